"""Sends a zip to the upload bucket, in parts that are resumed if it is large.

S3 compares each part, or the small zip as a whole, with the SHA-256 that is sent along
(https://docs.aws.amazon.com/AmazonS3/latest/userguide/checking-object-integrity-upload.html).
"""

import hashlib
import io
import os
import threading
from base64 import b64encode
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from typing import IO, Any

from botocore.exceptions import ClientError

from domain.stored_objects import error_code
from ops.errors import CommandError
from ops.upload.unfinished import Destination, Unfinished

# In bytes. S3 takes at most 10,000 parts, of at least 5 MiB.
SMALL, PART, MOST_PARTS = 16 * 1024 * 1024, 8 * 1024 * 1024, 10_000
PARALLEL = 4
Progress = Callable[[int], None]


@dataclass(frozen=True, kw_only=True)
class Measured:
    """A file's length in bytes, its SHA-256 in hex, and those of its parts in base 64."""

    size: int
    sha256: str
    parts: list[str]


class ChangedFile(CommandError):
    """The zip is no longer what was measured."""

    def __init__(self, name: str) -> None:
        super().__init__(f"{name} was changed during the upload", "run the command again")


class Zip:
    """An open file from which several threads read parts."""

    def __init__(self, file: IO[bytes], name: str) -> None:
        self.name, self._file, self._lock = name, file, threading.Lock()
        self._status = self._current_status()
        self.measured = self._measure()

    def part(self, number: int) -> bytes:
        """Return the part; ``number`` counts from 1.

        Raises:
            ChangedFile: it is not what was measured.
        """
        with self._lock:
            self._file.seek((number - 1) * PART)
            body = self._file.read(PART)
        if _checksum(body) != self.measured.parts[number - 1]:
            raise ChangedFile(self.name)
        return body

    def whole(self) -> bytes:
        """Return all parts."""
        body = b"".join(map(self.part, range(1, len(self.measured.parts) + 1)))
        self.check_unchanged()
        return body

    def check_unchanged(self) -> None:
        """Raise ``ChangedFile`` if somebody wrote to the file, for example still appends to it."""
        if self._current_status() != self._status:
            raise ChangedFile(self.name)

    def _current_status(self) -> tuple[int, int]:
        status = os.fstat(self._file.fileno())
        return status.st_size, status.st_mtime_ns

    def _measure(self) -> Measured:
        sha256, parts, size = hashlib.sha256(), list[str](), 0
        self._file.seek(0)
        while part := self._file.read(PART):
            if len(parts) == MOST_PARTS:
                raise CommandError(
                    f"{self.name} is larger than {MOST_PARTS * PART // 1024**3} GiB",
                    "leave build results and dependencies out",
                )
            size += len(part)
            sha256.update(part)
            parts.append(_checksum(part))
        return Measured(size=size, sha256=sha256.hexdigest(), parts=parts)


def send(s3: Any, archive: Zip, to: Destination, progress: Progress) -> str:
    """Upload ``archive`` and return the id of its version; ``progress`` gets the bytes so far.

    Raises:
        CommandError: the file changed, so nothing was uploaded.
        KeyboardInterrupt: parts that were sent are used by the next call.
    """
    if archive.measured.size <= SMALL:
        body = archive.whole()
        answer = s3.put_object(
            Bucket=to.bucket,
            Key=to.key,
            Metadata=to.metadata,
            Body=body,
            ChecksumSHA256=_checksum(body),
        )
        progress(len(body))
        return _version(answer)
    unfinished = Unfinished(to, archive.measured.sha256)
    try:
        return _in_parts(s3, archive, to, unfinished, progress)
    except ClientError as error:
        if error_code(error) != "NoSuchUpload":
            raise
    # It expired, or another run of the command completed it: then this is one more version.
    unfinished.forget()
    return _in_parts(s3, archive, to, unfinished, progress)


def _in_parts(
    s3: Any, archive: Zip, to: Destination, unfinished: Unfinished, progress: Progress
) -> str:
    upload_id = unfinished.upload_id
    where = {"Bucket": to.bucket, "Key": to.key}
    if not upload_id:
        upload_id = s3.create_multipart_upload(
            **where, Metadata=to.metadata, ChecksumAlgorithm="SHA256"
        )["UploadId"]
        unfinished.remember(upload_id)
    where["UploadId"] = upload_id
    try:
        present = _present(s3, where, archive.measured)
        sent = {**present, **_send_missing(s3, archive, where, present, progress)}
        archive.check_unchanged()
    except ChangedFile:
        unfinished.forget()
        s3.abort_multipart_upload(**where)
        raise
    answer = s3.complete_multipart_upload(
        **where,
        MultipartUpload={
            "Parts": [
                {
                    "PartNumber": number,
                    "ETag": sent[number],
                    "ChecksumSHA256": archive.measured.parts[number - 1],
                }
                for number in sorted(sent)
            ]
        },
    )
    unfinished.forget()
    return _version(answer)


def _version(answer: Mapping[str, str]) -> str:
    if version := answer.get("VersionId"):
        return version
    raise CommandError(
        "S3 stored the zip, but as no version: nothing will scan it",
        "is this the upload bucket of an environment? Its versioning must be enabled",
    )


def _present(s3: Any, where: Mapping[str, str], measured: Measured) -> dict[int, str]:
    """The ETags of the parts that S3 has already, by the number of the part."""
    pages = s3.get_paginator("list_parts").paginate(**where)
    listed = {part["PartNumber"]: part for page in pages for part in page.get("Parts", [])}
    return {
        number: listed[number]["ETag"]
        for number, checksum in enumerate(measured.parts, 1)
        if number in listed and listed[number].get("ChecksumSHA256") == checksum
    }


def _send_missing(
    s3: Any,
    archive: Zip,
    where: Mapping[str, str],
    present: Mapping[int, str],
    progress: Progress,
) -> dict[int, str]:
    stopped = threading.Event()

    def send_part(number: int) -> tuple[int, str]:
        body = archive.part(number)
        answer = s3.upload_part(
            **where,
            PartNumber=number,
            Body=_Stoppable(body, stopped),
            ChecksumSHA256=archive.measured.parts[number - 1],
        )
        return number, answer["ETag"]

    numbers = range(1, len(archive.measured.parts) + 1)
    sent = dict[int, str]()
    with ThreadPoolExecutor(PARALLEL) as pool:
        try:
            sending = [
                pool.submit(send_part, number) for number in numbers if number not in present
            ]
            for future in as_completed(sending):
                number, etag = future.result()
                sent[number] = etag
                progress(min((len(present) + len(sent)) * PART, archive.measured.size))
            return sent
        except BaseException:
            stopped.set()
            pool.shutdown(wait=False, cancel_futures=True)
            raise


class _Stoppable(io.BytesIO):
    """The body of a request that ends early once nobody waits for it."""

    def __init__(self, body: bytes, stopped: threading.Event) -> None:
        super().__init__(body)
        self._stopped = stopped

    def read(self, size: int | None = -1, /) -> bytes:
        if self._stopped.is_set():
            raise KeyboardInterrupt  # which botocore does not retry
        return super().read(size)


def _checksum(body: bytes) -> str:
    return b64encode(hashlib.sha256(body).digest()).decode()
