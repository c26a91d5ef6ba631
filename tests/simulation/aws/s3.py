"""S3: versioned buckets, each request one atomic step.

- Strong consistency: a written object can be read and listed at once
  (https://docs.aws.amazon.com/AmazonS3/latest/userguide/Welcome.html#ConsistencyModel).
- ``If-None-Match: *``: the first to finish wins, others get 412 PreconditionFailed; requests that
  conflict while they run get 409 ConditionalRequestConflict, which does not say who wins.
  ``If-Match`` an ETag: 412 where another one is current, 404 where there is no object
  (https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html).
- The ETag changes with each write: with a KMS key it is no hash of the content
  (https://docs.aws.amazon.com/AmazonS3/latest/API/API_Object.html).
- Versions are listed by key, newest first
  (https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjectVersions.html).
- Tags belong to a version; a permanently deleted version is NoSuchVersion
  (https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutObjectTagging.html).
"""

import hashlib
import io
import json
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random
from typing import Any

from tests.simulation.aws.network import Refused
from tests.simulation.aws.scheduler import Actor, NotSimulated, Scheduler
from tests.simulation.trace import Event, Stored, Tagged, timestamp
from tests.support import documents

# Listed, so that a new parameter is refused here instead of ignored.
IGNORED = {"ContentType", "ChecksumAlgorithm", "ExpectedBucketOwner"}
CONFLICTS = 0.3


@dataclass
class Version:
    """One version of an object, with its tags; ``written`` is in virtual time."""

    id: str
    body: bytes
    written: float
    tags: list[dict[str, str]] = field(default_factory=list)


class S3:
    """``buckets`` are the existing buckets; those in ``versioned`` keep replaced objects."""

    def __init__(
        self,
        scheduler: Scheduler,
        events: list[Event],
        uploads: str,
        versioned: set[str],
        buckets: set[str],
    ) -> None:
        self._scheduler, self._events = scheduler, events
        self._uploads, self._versioned = uploads, versioned
        # Called with (bucket, key) for each object that is written.
        self.created: Callable[[str, str], None] = lambda bucket, key: None
        # Keys in S3's listing order; versions newest first.
        self._objects: dict[str, dict[str, list[Version]]] = {name: {} for name in buckets}
        self._writing: Counter[tuple[str, str]] = Counter()
        # Separate from the scheduler's, so that ids do not change with latencies.
        self._random = Random(scheduler.random.random())

    def in_flight(self, operation: str, parameters: dict[str, Any], change: int) -> None:
        """Count the calls in flight: one begins (1) or ends (-1)."""
        if operation == "PutObject" and parameters.keys() & {"IfNoneMatch", "IfMatch"}:
            self._writing[parameters["Bucket"], parameters["Key"]] += change

    def serve(self, operation: str, parameters: dict[str, Any], actor: Actor) -> Any:
        """Carry out the request at once; return the response. Raises ``Refused``."""
        parameters = {
            name: parameter for name, parameter in parameters.items() if name not in IGNORED
        }
        match operation:
            case "PutObject":
                documents.check(parameters["Key"], parameters["Body"])
                return self._put(**parameters, by=actor.name)
            case "GetObject":
                return self._get(**parameters)
            case "ListObjectsV2":
                return self._list(**parameters)
            case "ListObjectVersions":
                return self._list_versions(**parameters)
            case "PutObjectTagging":
                return self._tag(**parameters, began=actor.call_began)
            case "GetObjectTagging":
                return {"TagSet": list(self._version(**parameters).tags)}
        raise NotSimulated(f"S3 {operation}")

    def upload(self, key: str) -> str:
        """Upload another version of a zip; return its id."""
        return self._store(self._uploads, key, b"zip")

    def delete(self, key: str, version: str) -> bool:
        """Delete an uploaded version permanently; return whether it existed."""
        stored = self._objects[self._uploads].get(key, [])
        left = [item for item in stored if item.id != version]
        self._objects[self._uploads][key] = left
        return len(left) < len(stored)

    def _put(
        self,
        by: str,
        Bucket: str,
        Key: str,
        Body: Any,
        IfNoneMatch: str | None = None,
        IfMatch: str | None = None,
    ) -> dict[str, Any]:
        body = Body.encode() if isinstance(Body, str) else bytes(Body)
        if IfNoneMatch or IfMatch:
            self._check(Bucket, Key, IfNoneMatch, IfMatch)
        version = self._store(Bucket, Key, body)
        document = json.loads(body) if Key.endswith(".json") else None
        self._events.append(
            Stored(
                at=self._scheduler.now,
                bucket=Bucket,
                key=Key,
                document=document,
                by=by,
                sha256=hashlib.sha256(body).hexdigest(),
            )
        )
        self.created(Bucket, Key)
        return {"VersionId": version, "ETag": f'"{version}"'}

    def _check(self, bucket: str, key: str, none_match: str | None, match: str | None) -> None:
        """Refuse a conditional write whose condition is not met, or that conflicts with another."""
        current = self._objects[bucket].get(key)
        assert none_match in (None, "*")
        if match and not current:
            raise Refused("NoSuchKey", status=404)
        if current and (none_match or f'"{current[0].id}"' != match):
            raise Refused("PreconditionFailed", status=412)
        if self._writing[bucket, key] > 1 and self._random.random() < CONFLICTS:
            raise Refused("ConditionalRequestConflict", status=409)

    def _store(self, bucket: str, key: str, body: bytes) -> str:
        version = Version(f"{self._random.getrandbits(96):024x}", body, self._scheduler.now)
        objects = self._objects[bucket]
        is_new = key not in objects
        stored = objects.setdefault(key, [])
        if bucket not in self._versioned:
            stored.clear()
        stored.insert(0, version)
        if is_new:
            self._objects[bucket] = dict(sorted(objects.items()))
        return version.id

    def _version(self, Bucket: str, Key: str, VersionId: str | None = None) -> Version:
        versions = self._objects[Bucket].get(Key, [])
        if VersionId is None:
            if not versions:
                raise Refused("NoSuchKey", status=404)
            return versions[0]
        result = next((version for version in versions if version.id == VersionId), None)
        if result is None:
            raise Refused("NoSuchVersion", status=404)
        return result

    def _get(self, Bucket: str, Key: str, VersionId: str | None = None) -> dict[str, Any]:
        version = self._version(Bucket, Key, VersionId)
        return {
            "Body": io.BytesIO(version.body),
            "ContentLength": len(version.body),
            "VersionId": version.id,
            "ETag": f'"{version.id}"',
        }

    def _list(
        self,
        Bucket: str,
        Prefix: str = "",
        MaxKeys: int = 1000,
        Delimiter: str | None = None,
    ) -> dict[str, Any]:
        keys = [
            key
            for key, versions in self._objects[Bucket].items()
            if versions and key.startswith(Prefix)
        ]
        common = []
        if Delimiter:
            ends = {key: key.find(Delimiter, len(Prefix)) for key in keys}
            common = list(dict.fromkeys(key[: e + 1] for key, e in ends.items() if e >= 0))
            keys = [key for key in keys if ends[key] < 0]
        displayed = keys[:MaxKeys]
        return {
            "Contents": [
                {
                    "Key": key,
                    "Size": 1,
                    # S3 says the second.
                    "LastModified": timestamp(int(self._objects[Bucket][key][0].written)),
                }
                for key in displayed
            ],
            "CommonPrefixes": [{"Prefix": item} for item in common],
            "KeyCount": len(displayed) + len(common),
            "IsTruncated": len(keys) > MaxKeys,
        }

    def _list_versions(self, Bucket: str, Prefix: str = "", MaxKeys: int = 1000) -> dict[str, Any]:
        result = [
            {
                "Key": key,
                "VersionId": version.id,
                "Size": len(version.body),
                "IsLatest": not number,
                "LastModified": timestamp(int(version.written)),
            }
            for key, versions in self._objects[Bucket].items()
            if key.startswith(Prefix)
            for number, version in enumerate(versions)
        ]
        return {"Versions": result[:MaxKeys], "IsTruncated": len(result) > MaxKeys}

    def _tag(
        self, began: float, Bucket: str, Key: str, VersionId: str, Tagging: dict[str, Any]
    ) -> dict[str, Any]:
        version = self._version(Bucket, Key, VersionId)
        version.tags = list(Tagging["TagSet"])
        for tag in version.tags:
            if tag["Key"] == "scan-status":
                self._events.append(
                    Tagged(
                        at=self._scheduler.now,
                        key=Key,
                        version=VersionId,
                        status=tag["Value"],
                        began=began,
                    )
                )
        return {"VersionId": VersionId}
