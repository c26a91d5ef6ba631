"""Saves what the page displays in one file, and restores it in the next run.

The account itself lives in memory and ends with its process, so saved uploads are read-only: a scan
that was running is displayed as interrupted, and the buttons of earlier cards are disabled.
"""

import json
import os
from pathlib import Path

from local.page.poller import Poller

FILE = "page.json"
UPLOADS, ENTRIES, MAILS = 200, 2000, 500  # the latest that are saved


def save(poller: Poller, folder: Path) -> None:
    """Save the data of ``poller`` in ``folder``, which is created if it does not exist."""
    uploads = list(poller.uploads.values())[-UPLOADS:]
    scans = {}
    for upload in uploads:
        scan = upload["scan"]
        details = poller.details(scan)
        evidence = {name: poller.evidence(scan, name) for name in details["evidence"]}
        scans[scan] = {"details": details, "evidence": evidence}
    saved = {
        "uploads": uploads,
        "scans": scans,
        "entries": poller.entries[-ENTRIES:],
        "mails": poller.mails[-MAILS:],
    }
    folder.mkdir(parents=True, exist_ok=True)
    draft = folder / f"{FILE}.new"
    draft.write_text(json.dumps(saved))
    os.replace(draft, folder / FILE)


def load(poller: Poller, folder: Path) -> None:
    """Restore into ``poller`` what was saved in ``folder``, if anything.

    Raises:
        ValueError: the file was not written by this page.
    """
    path = folder / FILE
    if not path.exists():
        return
    try:
        saved = json.loads(path.read_text())
        poller.uploads = {upload["scan"]: {**upload, "saved": True} for upload in saved["uploads"]}
        poller.saved = saved["scans"]
        for name in ("entries", "mails"):
            things = [{**record, "id": at, "saved": True} for at, record in enumerate(saved[name])]
            setattr(poller, name, things)
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError(f"{path} was not written by this page: {error!r}; move it away") from error
