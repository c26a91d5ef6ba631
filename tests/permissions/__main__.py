"""``make permissions``: record every call, and write docs/permissions.md."""

import sys

from local.permissions.engine import Engine, installed
from tests.permissions.attacks import attempts
from tests.permissions.mutations import unnoticed
from tests.permissions.recorded import recorded
from tests.permissions.table import BEGIN, PAGE, written


def main() -> int:
    if not installed():
        print("✘ This needs Node.js and npm: install them, then `make setup`", file=sys.stderr)
        return 2
    print("Running each lifecycle of an upload, a minute ...", flush=True)
    with recorded() as account, Engine() as engine:
        tried = list(attempts(account))
        count, survivors = unnoticed(account, tried, engine)
        page = PAGE.read_text(encoding="utf-8").partition(BEGIN)[0]
        PAGE.write_text(page + written(account, tried, count, survivors), encoding="utf-8")
    print(f"{len(account.calls)} calls, {len(account.denied)} refused; {len(tried)} attacks")
    print(f"{count} mutations, {len(survivors)} that nothing notices. {PAGE}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
