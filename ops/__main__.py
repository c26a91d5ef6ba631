"""Registers the commands; the modules of this folder are commands, or shared by them."""

from typing import Any

import typer
from botocore.exceptions import BotoCoreError, ClientError
from typer.core import TyperGroup

from ops import errors, output
from ops.audit import audit
from ops.decide import approve, reject, rescan, withdraw
from ops.fetch import fetch
from ops.preflight.command import preflight
from ops.redrive import redrive
from ops.rights import rights
from ops.rotate import rotate_token
from ops.smoke import smoke
from ops.verify import verify
from ops.waiting import waiting


class Commands(TyperGroup):
    """Prints an error and its fix instead of a traceback."""

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except errors.CommandError as failure:
            _print_failure(failure)
        except (BotoCoreError, ClientError) as error:
            _print_failure(errors.of_aws(error))


def _print_failure(failure: errors.CommandError) -> None:
    output.say(f"✘ {failure.what}", "red")
    if failure.fix:
        output.say(f"  {failure.fix}")
    raise typer.Exit(failure.code)


app = typer.Typer(
    cls=Commands, no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False
)


@app.callback()
def commands() -> None:
    """What people do with an environment, before and after `pulumi up`.

    Exit codes: 0 yes, 1 no, 2 the question could not be answered.
    """


app.command()(fetch)
app.command()(verify)
app.command()(audit)
app.command()(waiting)
app.command()(approve)
app.command()(reject)
app.command()(withdraw)
app.command()(rescan)
app.command()(redrive)
app.command()(rotate_token)
app.command()(smoke)
app.command()(rights)
app.command()(preflight)


if __name__ == "__main__":
    app(prog_name=".venv/bin/python -m ops")
