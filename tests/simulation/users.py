"""The actors outside the pipeline: people who upload, click, delete and verify; the audit log.

- The chat service waits 15 s for a function
  (https://docs.aws.amazon.com/chatbot/latest/adminguide/creating-custom-actions.html), and writes
  who approved to its log, which reaches ``approver-audit`` some seconds later, perhaps twice.
"""

import base64
import gzip
import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote_plus

from botocore.exceptions import BotoCoreError, ClientError

from tests.handlers.conftest import BUCKET, ENVIRONMENT, UPLOADS
from tests.simulation.aws.account import Account
from tests.simulation.aws.network import Lost, Refused
from tests.simulation.people import PEOPLE, Person
from tests.simulation.trace import EPOCH, Clicked, Deleted, Uploaded, Verified, timestamp

PATIENCE = 15.0
SORRY = "AWS error"


class Users:
    """Each method is run as one actor."""

    def __init__(self, account: Account, client: Any) -> None:
        self._account, self._client = account, client
        self._scheduler = account.scheduler

    def upload(self, key: str, gate: str, upload: Mapping[str, Any]) -> str:
        """Upload a version; its event is delivered once per delay in ``events``.

        If ``upload`` says ``by`` whom, S3's notification of that is delivered after ``recorded``
        seconds; never, if there are none.
        """
        version = self._account.s3.upload(key)
        now, by = self._scheduler.now, upload.get("by", "")
        self._account.trace.events.append(
            Uploaded(at=now, key=key, version=version, gate=gate, by=by)
        )
        if by and upload.get("recorded") is not None:
            self._notify(key, version, PEOPLE[by].principal, upload["recorded"])
        event = {
            "version": "0",
            "detail-type": "Object Created",
            "source": "aws.s3",
            "time": f"{timestamp(now):%Y-%m-%dT%H:%M:%SZ}",
            "detail": {
                "bucket": {"name": UPLOADS},
                "object": {"key": key, "version-id": version, "etag": "0cc1", "size": 3},
                "requester": "123456789012",
            },
        }
        for delay in upload["events"]:
            self._account.bridge.uploaded(event, delay)
        return version

    def _notify(self, key: str, version: str, principal: str, delay: float) -> None:
        """Let S3 invoke the function ``uploader``, up to three times
        (https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-content-structure.html).
        """
        record = {
            "eventName": "ObjectCreated:Put",
            "eventTime": f"{timestamp(self._scheduler.now):%Y-%m-%dT%H:%M:%S.000Z}",
            "userIdentity": {"principalId": principal},
            "requestParameters": {"sourceIPAddress": "203.0.113.7"},
            "responseElements": {"x-amz-request-id": "0A1B2C3D4E5F6A7B"},
            "s3": {
                "bucket": {"name": UPLOADS},
                "object": {"key": quote_plus(key, safe="/"), "versionId": version},
            },
        }
        event = {"Records": [record]}
        self._scheduler.spawn("S3", lambda: self._invoked("uploader", event), delay=delay)

    def delete(self, key: str, version: str) -> None:
        """Delete a version permanently."""
        if self._account.s3.delete(key, version):
            self._account.trace.events.append(
                Deleted(at=self._scheduler.now, key=key, version=version)
            )

    def click(self, function: str, payload: dict[str, Any], action: Mapping[str, Any]) -> None:
        """Click a button, and up to ``again`` times more while there is no answer or an error.

        ``action`` may say ``by`` whom, and how many seconds ``late`` the audit log is.
        """
        for _ in range(action.get("again", 0) + 1):
            answer = self._click(function, payload, action)
            if answer is not None and not answer.startswith(SORRY):
                return
            self._scheduler.sleep(3 + 20 * self._scheduler.random.random())

    def verify(self) -> None:
        """Run ``python -m ops verify --all``."""
        from ops import stack, verify

        outputs = {"artifactsBucket": BUCKET, "uploadBucket": UPLOADS}
        environment = stack.Stack(outputs, "here", self._client)
        began = self._scheduler.now
        try:
            checks = list(verify.verified(environment, "scans/"))
        except (ClientError, BotoCoreError):
            return
        findings = tuple((check.scan, *finding) for check in checks for finding in check.findings)
        self._account.trace.events.append(
            Verified(at=self._scheduler.now, began=began, findings=findings)
        )

    def _click(
        self, function: str, payload: dict[str, Any], action: Mapping[str, Any]
    ) -> str | None:
        scheduler, account = self._scheduler, self._account
        reached, by = [scheduler.now], action.get("by", "ada")

        def effect() -> Any:
            reached[0] = scheduler.now
            if account.trace.settings.approver_seconds and function == "approval":
                self._log(payload, PEOPLE[by], action.get("late", 0.0))
            return account.functions.invoke(function, payload)

        answer = None
        try:
            kind, value = account.network.send(
                "Slack channel", "lambda", f"Invoke {function}", effect, patience=PATIENCE
            )
            answer = value if kind == "done" else None
        except (Refused, Lost):
            pass
        account.trace.events.append(
            Clicked(
                at=scheduler.now,
                began=reached[0],
                function=function,
                payload=payload,
                answer=answer,
                by=by,
            )
        )
        return answer

    def _log(self, payload: dict[str, Any], person: Person, late: float) -> None:
        """Write a click to the chat service's log (tests/handlers/test_approver_audit.py)."""
        scheduler = self._scheduler
        function, region = ENVIRONMENT["APPROVAL_FUNCTION"], ENVIRONMENT["AWS_REGION"]
        invoke = f"lambda invoke --function-name {function} --region {region} --payload "
        message = {"userId": person.user, "userName": person.name}
        message["command"] = invoke + json.dumps(payload)
        milliseconds = int((EPOCH.timestamp() + scheduler.now) * 1000)
        event = {"id": f"{milliseconds}{scheduler.random.getrandbits(16):05d}"}
        event |= {"timestamp": milliseconds, "message": json.dumps(message)}
        batch = json.dumps({"messageType": "DATA_MESSAGE", "logEvents": [event]}).encode()
        data = base64.b64encode(gzip.compress(batch, compresslevel=1, mtime=0)).decode()
        draw = scheduler.random.random
        delays = [late + 1 + 15 * draw() + (60 * draw() if draw() < 0.1 else 0)]
        if draw() < 0.1:
            delays.append(delays[0] + 20 * draw())
        for delay in delays:
            scheduler.spawn(
                "CloudWatch",
                lambda: self._invoked("approver-audit", {"awslogs": {"data": data}}),
                delay=delay,
            )

    def _invoked(self, function: str, event: dict[str, Any]) -> None:
        """A service invokes a function, and retries if that fails."""
        for _ in range(3):
            ended = self._account.functions.invoke(function, event)
            self._scheduler.wait(ended)
            if ended.value[0] == "done":
                return
            self._scheduler.sleep(20 + 40 * self._scheduler.random.random())


def payload(action: Mapping[str, Any], scan: str) -> tuple[str, dict[str, Any]]:
    """Return the function behind a button, and what the button sends it."""
    verb, reason = action["do"], action.get("reason", f"Because of {action['do']}")
    if verb == "scan again":
        return "rescan", {"scan": scan}
    if verb in ("approve", "extend"):
        return "approval", {"scan": scan, verb: [reason, action.get("days", "")]}
    return "approval", {"scan": scan, verb: reason}
