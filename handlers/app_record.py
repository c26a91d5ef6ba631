"""The record of an app in the state bucket: its last gate result, and its exceptions.

It is only an index: it says which evidence to read, and what that does not confirm does not count.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

from domain import stored_objects
from domain.evidence_paths import app_record_key
from domain.json_values import as_dict, as_list
from domain.scan_id import SCAN_ID
from domain.stored_objects import StoredObject

MOST_EXCEPTIONS = 50
# The fields of ``Last`` by their names in the document.
_FIELDS = {
    "scan": "scan",
    "key": "key",
    "versionId": "version_id",
    "attempt": "attempt",
    "status": "status",
    "uploadedAt": "uploaded_at",
    "evaluatedAt": "evaluated_at",
}
_TYPES = {"attempt": int}  # of the others: str


class Last(NamedTuple):
    """The last gate result of an app, ``passed`` or ``failed``."""

    scan: str
    key: str
    version_id: str
    attempt: int
    status: str
    uploaded_at: str
    evaluated_at: str

    @property
    def order(self) -> tuple[str, int, str]:
        """Later uploads and attempts are greater; scans may end in another order."""
        return self.uploaded_at, self.attempt, self.evaluated_at


@dataclass(frozen=True, kw_only=True)
class AppRecord:
    """``exceptions`` are scans that people approved, the newest first; some may be over.

    ``stored`` is the object that this was read from.
    """

    last: Last | None = None
    exceptions: Sequence[str] = ()
    stored: StoredObject | None = field(default=None, compare=False)


def read(s3: Any, bucket: str, app: str) -> AppRecord:
    """Return the record of ``app``, an empty one if there is none."""
    return _parse(stored_objects.get_object(s3, bucket, app_record_key(app)), app)


def record_result(s3: Any, bucket: str, app: str, last: Last, read_before: AppRecord) -> None:
    """Record ``last``, unless the record has it, or that of a later upload or attempt.

    ``read_before`` is the record as it was read, to save another reading.
    """

    def change(record: AppRecord) -> AppRecord:
        is_later = record.last is None or last.order > record.last.order
        return replace(record, last=last) if is_later else record

    _update(s3, bucket, app, change, read_before)


def add_exception(s3: Any, bucket: str, app: str, scan: str) -> None:
    """Record that people approved ``scan``; idempotent."""

    def change(record: AppRecord) -> AppRecord:
        if scan in record.exceptions:
            return record
        return replace(record, exceptions=(scan, *record.exceptions)[:MOST_EXCEPTIONS])

    _update(s3, bucket, app, change)


def remove_exception(s3: Any, bucket: str, app: str, scan: str) -> None:
    """Record that the approval of ``scan`` is over; idempotent."""

    def change(record: AppRecord) -> AppRecord:
        left = tuple(other for other in record.exceptions if other != scan)
        return replace(record, exceptions=left)

    _update(s3, bucket, app, change)


def _update(
    s3: Any,
    bucket: str,
    app: str,
    change: Callable[[AppRecord], AppRecord],
    read_before: AppRecord | None = None,
) -> None:
    key = app_record_key(app)
    for _ in range(stored_objects.TRIES):
        before = read_before or read(s3, bucket, app)
        after = change(before)
        if after == before or stored_objects.replace(
            s3, bucket, key, _body(app, after), before.stored
        ):
            return
        read_before = None
    raise RuntimeError(f"others write {key} all the time")


def _body(app: str, record: AppRecord) -> bytes:
    return stored_objects.to_json(
        {
            "version": 1,
            "app": app,
            "last": record.last
            and {name: getattr(record.last, field) for name, field in _FIELDS.items()},
            "exceptions": list(record.exceptions),
        }
    )


def _parse(stored: StoredObject | None, app: str) -> AppRecord:
    document = as_dict(stored and stored.document)
    last: Mapping[str, Any] = as_dict(document.get("last"))
    scans = [scan for scan in as_list(document.get("exceptions")) if _is_of(app, scan)]
    known = (
        last.keys() == _FIELDS.keys()
        and _is_of(app, last["scan"])
        and all(isinstance(value, _TYPES.get(name, str)) for name, value in last.items())
    )
    return AppRecord(
        last=Last(**{_FIELDS[name]: value for name, value in last.items()}) if known else None,
        exceptions=tuple(scans[:MOST_EXCEPTIONS]),
        stored=stored,
    )


def _is_of(app: str, scan: object) -> bool:
    return isinstance(scan, str) and bool(SCAN_ID.fullmatch(scan)) and scan.startswith(f"{app}/")
