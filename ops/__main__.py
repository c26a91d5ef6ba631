"""Runs the command line; the modules of this folder are commands, or shared by them."""

import sys


def main() -> None:
    """Run it; Ctrl-C during the imports ends it without a traceback, too."""
    try:
        from ops import cli

        cli.main()
    except KeyboardInterrupt:
        sys.exit(130)


if __name__ == "__main__":
    main()
