"""The pipeline on this machine, with a page to see and use it: ``make up``."""

import argparse
import contextlib
import os
import signal
import sys
import threading

from rich.console import Console

PORT = 8420


def main(arguments: list[str] | None = None) -> int:
    """Serve until somebody stops it; 0 when somebody did."""
    parser = argparse.ArgumentParser(prog="python -m local.page", description=__doc__)
    parser.add_argument(
        "--port",
        type=int,
        default=os.environ.get("PORT") or PORT,
        help=f"port of 127.0.0.1, {PORT} unless told another (make up PORT=...)",
    )
    parser.add_argument(
        "--set",
        metavar="KEY=VALUE",
        action="append",
        default=[],
        help="a setting of the program, as in --set exceptionPeriod=2m; may be repeated",
    )
    options = parser.parse_args(arguments)
    if not all("=" in each for each in options.set):
        parser.error("--set takes KEY=VALUE")
    settings = dict(each.split("=", 1) for each in options.set)
    console = Console(highlight=False)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with contextlib.ExitStack() as stack:
        try:
            with console.status("Starting AWS on this machine, deploying the program"):
                # Pulumi and moto take seconds to import: not before somebody can see why.
                from local.page.serving import serving

                served = stack.enter_context(serving(options.port, settings))
            console.print(f"[green]✔[/green] [bold]{served.url}[/bold]  Ctrl-C stops it")
            threading.Event().wait()
        except OSError as error:
            console.print(f"[red]✘ Port {options.port}: {error.strerror}; make up PORT=...[/red]")
            return 1
        except KeyboardInterrupt:
            console.print("\nStopping ...")
    console.print("Stopped; nothing is left behind.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
