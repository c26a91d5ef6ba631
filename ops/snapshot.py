"""What is stored about an uploaded version: the evidence of its last scan, and its tag."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from botocore.exceptions import ClientError

from domain.sanitize import line
from domain.scan_id import scan_id
from domain.stored_objects import error_code
from ops import clearance, stack, uploads
from ops.aws_clock import AwsClock
from ops.clearance import Clearance
from ops.errors import RIGHTS, CommandError
from ops.evidence import Attempts, Evidence, Files
from ops.scan_documents import Scan


@dataclass(frozen=True, kw_only=True)
class Snapshot:
    """The last scan of a version, at the time ``now`` by AWS's clock.

    ``clearance`` is what follows from the evidence, ``tag`` what is set; both are None until there
    is a gate result. ``contradiction`` says how they disagree, empty if they don't. ``tagged`` is
    when the tag was first seen, None if it was there from the beginning.
    """

    scan: Scan
    now: datetime
    files: Files = field(default_factory=dict[str, datetime])
    clearance: Clearance = None
    tag: Clearance = None
    contradiction: str = ""
    tagged: datetime | None = None

    @property
    def opened(self) -> Mapping[str, Any]:
        """scan.json, empty if no scan has begun."""
        return self.scan.opened or {}

    @property
    def settled(self) -> bool:
        """Whether the tag says what follows from the evidence."""
        return self.clearance is not None and self.tag == self.clearance


class Reader:
    """Reads snapshots of one version; it needs the rights of an uploader, and no others.

    ``scan`` is the id of any scan of it; ``key`` that of the upload, empty if it is not known.
    """

    def __init__(
        self,
        environment: stack.Stack,
        scan: str,
        key: str = "",
        clock: AwsClock | None = None,
    ) -> None:
        self._environment, self._key = environment, key
        self._app, _, self._version = scan.partition("/")
        self._evidence = Evidence(environment)
        self._clock = clock or AwsClock(environment.client("s3"))
        self._scan, self._files = Scan(id=scan), dict[str, datetime]()
        self._last: Snapshot | None = None

    def read(self) -> Snapshot:
        """Return what is stored now; documents of a scan are read once: they do not change."""
        before = self._scan
        # Before the evidence, which is written first: so it explains the tag.
        tag = self._tag()
        attempts = self._evidence.attempts(self._app, self._version)
        if attempts:
            self._load(*attempts[max(attempts)])
        if self._is_of_another_version() or (self._scan.gate_result and not before.gate_result):
            return self.read()
        self._last = self._snapshot(attempts, tag)
        return self._last

    def _tag(self) -> Clearance:
        opened = self._scan.opened
        if not opened or not self._scan.gate_result:
            return None
        try:
            return uploads.status(self._environment, opened["key"], opened["versionId"])
        except ClientError as error:
            if error_code(error) not in RIGHTS:
                raise
            # S3 does not tell who may not list the bucket that an object is missing.
            raise CommandError(
                f"the status of {line(opened['key'], 200)} cannot be read: the version was deleted,"
                " or you may not call GetObjectTagging",
                "upload it again, or ask for that right",
            ) from error

    def _load(self, scan: str, files: Files) -> None:
        # What it rests on can be withdrawn or extended at any time.
        is_news = scan != self._scan.id or files.keys() != self._files.keys()
        if is_news or self._scan.rests_on:
            self._scan, self._files = self._evidence.documents(scan, files), dict(files)

    def _is_of_another_version(self) -> bool:
        """Whether the given id was that of a further scan, of a version that is now known."""
        opened = self._scan.opened
        if not opened or opened["versionId"] == self._version:
            return False
        if scan_id(self._app, opened["versionId"], opened["attempt"]) != self._scan.id:
            return False
        self._version = opened["versionId"]
        return True

    def _snapshot(self, attempts: Attempts, tag: Clearance) -> Snapshot:
        scan, now = self._scan, self._clock.now()
        bucket = self._environment["uploadBucket"]
        follows: Clearance = None
        wrong = clearance.invalid(scan, bucket, self._key, self._version)
        if scan.gate_result and not scan.opened:
            wrong = wrong or clearance.NOT_NAMED
        elif scan.gate_result and not wrong:
            expected = clearance.expected_tag(self._evidence, scan, attempts, now)
            assert expected  # it is the last attempt, and evaluated
            follows, allowed = expected
            if tag not in (*allowed, uploads.GONE):
                wrong = clearance.unexplained(scan, tag, follows)
            elif tag in clearance.CLEARED and not scan.scanned_sha256:
                wrong = clearance.NOT_NAMED
        snapshot = Snapshot(
            scan=scan,
            now=now,
            files=self._files,
            clearance=follows,
            tag=tag,
            contradiction=wrong,
        )
        return replace(snapshot, tagged=self._tagged(snapshot))

    def _tagged(self, snapshot: Snapshot) -> datetime | None:
        last = self._last
        if last is None or not snapshot.settled:
            return None
        return last.tagged if last.settled and last.tag == snapshot.tag else snapshot.now
