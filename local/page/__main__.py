"""The pipeline on this machine, with a page to see and use it: ``make up``."""

import argparse
import contextlib
import os
import signal
import sys
import threading
from pathlib import Path

from rich.console import Console
from rich.text import Text

PORT = 8420


def main(arguments: list[str] | None = None) -> int:
    """Serve until interrupted; return 0 then, and 1 if it could not start."""
    parser = argparse.ArgumentParser(prog="python -m local.page", description=__doc__)
    parser.add_argument(
        "--port",
        type=int,
        default=os.environ.get("PORT") or PORT,
        help=f"port of 127.0.0.1, {PORT} unless told another (make up PORT=...)",
    )
    parser.add_argument(
        "--keep",
        metavar="FOLDER",
        type=Path,
        default=os.environ.get("KEEP") or None,
        help="keep what the page shows in this folder, and show it in the next run; the account "
        "itself is not kept, so earlier scans are there to read, not to decide (make up KEEP=...)",
    )
    parser.add_argument(
        "--set",
        metavar="KEY=VALUE",
        action="append",
        default=[],
        help="a setting of the program, as in --set exceptionPeriod=2m; may be repeated",
    )
    options = parser.parse_args(arguments)
    if not 0 <= options.port < 2**16:
        parser.error("--port takes 0 to 65535")
    if not all("=" in assignment for assignment in options.set):
        parser.error("--set takes KEY=VALUE")
    settings = dict(assignment.split("=", 1) for assignment in options.set)
    console = Console(highlight=False)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with contextlib.ExitStack() as stack:
        try:
            with console.status("Starting AWS on this machine, deploying the program"):
                # Imported after the status line is visible: Pulumi and moto take seconds.
                from local.page.serving import SETTINGS, serving

                settings = {**SETTINGS, **settings}
                served = stack.enter_context(serving(options.port, settings, options.keep))
            console.print(f"[green]✔[/green] [bold]{served.url}[/bold]  Ctrl-C stops it")
            threading.Event().wait()
        except OSError as error:
            message = f"✘ Port {options.port}: {error.strerror}; make up PORT=..."
            console.print(Text(message, style="red"))
            return 1
        except ValueError as error:
            console.print(Text(f"✘ {error}", style="red"))
            return 1
        except KeyboardInterrupt:
            # A second Ctrl-C would interrupt the saving.
            signal.signal(signal.SIGINT, signal.SIG_IGN)
            console.print("\nStopping ...")
    left = (
        f"what the page showed is in {options.keep}" if options.keep else "nothing is left behind"
    )
    console.print(f"Stopped; {left}.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
