"""What the page shows, kept from one run to the next in one file.

The account itself lives in memory and ends with its process, so what was kept is to look at: a scan
that ran is shown as interrupted, and the buttons of earlier cards are off.
"""

import json
import os
from pathlib import Path

from local.page.watch import Watch

FILE = "page.json"
UPLOADS, ENTRIES, MAILS = 200, 2000, 500  # the latest that are kept


def save(watch: Watch, folder: Path) -> None:
    """Write what ``watch`` shows into ``folder``, which is made where it is not there."""
    uploads = list(watch.uploads.values())[-UPLOADS:]
    shown = {}
    for upload in uploads:
        scan = upload["scan"]
        details = watch.details(scan)
        evidence = {name: watch.evidence(scan, name) for name in details["evidence"]}
        shown[scan] = {"details": details, "evidence": evidence}
    kept = {
        "uploads": uploads,
        "shown": shown,
        "entries": watch.entries[-ENTRIES:],
        "mails": watch.mails[-MAILS:],
    }
    folder.mkdir(parents=True, exist_ok=True)
    draft = folder / f"{FILE}.new"
    draft.write_text(json.dumps(kept))
    os.replace(draft, folder / FILE)


def load(watch: Watch, folder: Path) -> None:
    """Let ``watch`` show what was kept in ``folder``, if anything was.

    Raises:
        ValueError: the file is not of this page.
    """
    path = folder / FILE
    if not path.exists():
        return
    try:
        kept = json.loads(path.read_text())
        watch.uploads = {each["scan"]: {**each, "kept": True} for each in kept["uploads"]}
        watch.kept = kept["shown"]
        for name in ("entries", "mails"):
            things = [{**each, "id": at, "kept": True} for at, each in enumerate(kept[name])]
            setattr(watch, name, things)
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError(f"{path} was not written by this page: {error!r}; move it away") from error
