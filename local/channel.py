"""Stands in for the chat service and its Slack channel: cards from SNS, buttons, commands.

The service's rules are in ``chat_service_validation.py``; messages that it would drop without an
error are stored with the reason.
"""

import contextlib
import hashlib
import json
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from botocore.exceptions import ClientError

from local.card import Button, Card, alarm_card, card_of, is_alarm
from local.chat_service_validation import (
    Refused,
    check_custom_action,
    check_notification,
    parse_command,
)
from local.permissions.guard import Guard

CHAT_SERVICE, AUDIT_REGION = "chatbot.amazonaws.com", "us-east-1"


@dataclass(frozen=True)
class Dropped:
    """A message that the service drops without an error, and the reason."""

    why: str
    text: str
    received: float = field(default_factory=time.time)


class Channel:
    """Receives the cards of the configured topics; ``click`` and ``run`` act as a user would."""

    def __init__(self, client: Callable[..., Any], guard: Guard) -> None:
        self._client, self._guard = client, guard
        self.cards: list[Card] = []
        self.dropped: list[Dropped] = []
        self._actions: dict[str, dict[str, Any]] = {}
        self._configuration: dict[str, Any] = {}
        self._received = threading.Condition()
        self._listening = threading.Event()

    def register(self, kind: str, state: dict[str, Any]) -> str:
        """Create a Cloud Control resource of type ``kind``, and return its ARN.

        Raises:
            ValueError: the service would refuse it, or the type is not supported.
        """
        account = "arn:aws:chatbot::123456789012"
        if kind == "AWS::Chatbot::CustomAction":
            check_custom_action(state)
            arn = f"{account}:custom-action/{state['ActionName']}"
            self._actions[arn] = state
            return arn
        if kind == "AWS::Chatbot::SlackChannelConfiguration":
            known = {
                "ConfigurationName", "SlackWorkspaceId", "SlackChannelId", "IamRoleArn",
                "SnsTopicArns", "GuardrailPolicies", "CustomizationResourceArns", "LoggingLevel",
                "UserRoleRequired", "Tags",
            }  # fmt: skip
            if state.keys() - known:
                raise ValueError(f"{kind} has no {sorted(state.keys() - known)}")
            self._configuration = state
            name = state["IamRoleArn"].rsplit("/", 1)[1]
            self._guard.world.guardrails[name] = state["GuardrailPolicies"]
            self._subscribe()
            return f"{account}:chat-configuration/slack-channel/{state['ConfigurationName']}"
        raise ValueError(f"local/ cannot create {kind}")

    def wait(self, matches: Callable[[Card], bool], seconds: float = 60) -> Card:
        """The first card that matches, once it is there.

        Raises:
            TimeoutError: none came; the message lists the cards that did.
        """
        with self._received:
            match = self._received.wait_for(
                lambda: next((card for card in self.cards if matches(card)), None), timeout=seconds
            )
        if not match:
            came = [card.title for card in self.cards] + [
                f"dropped: {message.why}" for message in self.dropped
            ]
            raise TimeoutError(f"no such card within {seconds:.0f} s; there are {came}")
        return match

    def click(
        self, button: Button, answers: Mapping[str, str] | None = None, user: str = "You"
    ) -> str:
        """Click a button as ``user``, with ``answers`` to its prompts; return the response.

        Raises:
            Refused: the command is invalid, or a guardrail policy or the role does not allow it.
        """
        return self.run(button.filled(answers or {}), user)

    def run(self, command: str, user: str = "You") -> str:
        """Run a command in AWS CLI syntax, which users can also type; return the response.

        Raises:
            Refused: as for click.
        """
        function, region, payload = parse_command(command)
        role = self._configuration["IamRoleArn"]
        self._guard.assume(CHAT_SERVICE, role)
        signer = self._guard.session(role, self._configuration["ConfigurationName"])
        functions = self._client("lambda", region, signer)
        try:
            answer = functions.invoke(FunctionName=function, Payload=payload)
        except ClientError as error:
            if error.response["Error"]["Code"] != "AccessDeniedException":
                raise
            raise Refused(
                f"I do not have permission: {error.response['Error']['Message']}"
            ) from error
        self._audit(command, user)
        return json.loads(answer["Payload"].read())

    def stop(self) -> None:
        """Stop listening."""
        self._listening.clear()

    def _audit(self, command: str, user: str) -> None:
        """Write the audit log; AWS does not document its fields, so their names are assumed."""
        logs = self._client("logs", AUDIT_REGION)
        group = f"/aws/chatbot/{self._configuration['ConfigurationName']}"
        for create in (
            lambda: logs.create_log_group(logGroupName=group),
            lambda: logs.create_log_stream(logGroupName=group, logStreamName="audit"),
        ):
            with contextlib.suppress(logs.exceptions.ResourceAlreadyExistsException):
                create()
        event = {
            "slackWorkspaceId": self._configuration["SlackWorkspaceId"],
            "slackChannelId": self._configuration["SlackChannelId"],
            "slackUserId": member_id(user),
            "slackUserName": user,
            "command": command,
        }
        now = int(time.time() * 1000)
        logs.put_log_events(
            logGroupName=group,
            logStreamName="audit",
            logEvents=[{"timestamp": now, "message": json.dumps(event)}],
        )

    def _subscribe(self) -> None:
        """Subscribe to the topics with a queue; in AWS the service has an endpoint of its own."""
        sqs, sns = self._client("sqs"), self._client("sns")
        name = f"channel-{self._configuration['ConfigurationName']}"
        url = sqs.create_queue(QueueName=name)["QueueUrl"]
        arn = f"arn:aws:sqs:{sqs.meta.region_name}:123456789012:{name}"
        for topic in self._configuration["SnsTopicArns"]:
            sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn)
        self._listening.set()
        threading.Thread(target=self._listen, args=[sqs, url], daemon=True).start()

    def _listen(self, sqs: Any, url: str) -> None:
        while self._listening.is_set():
            try:
                messages = sqs.receive_message(
                    QueueUrl=url, MaxNumberOfMessages=10, WaitTimeSeconds=1
                ).get("Messages", [])
            except Exception:  # the server has stopped
                return
            for message in messages:
                self._receive(json.loads(message["Body"])["Message"])
            if messages:
                sqs.delete_message_batch(
                    QueueUrl=url,
                    Entries=[
                        {"Id": str(number), "ReceiptHandle": message["ReceiptHandle"]}
                        for number, message in enumerate(messages)
                    ],
                )

    def _receive(self, text: str) -> None:
        with self._received:
            try:
                message = json.loads(text)
                if not is_alarm(message):
                    check_notification(message)
            except ValueError as why:
                self.dropped.append(Dropped(str(why), text))
            else:
                attached = self._configuration.get("CustomizationResourceArns", [])
                actions = [self._actions[arn] for arn in attached]
                self.cards.append(
                    alarm_card(message) if is_alarm(message) else card_of(message, actions)
                )
            self._received.notify_all()


def member_id(user: str) -> str:
    """A Slack member id for a person, always the same one."""
    return "U" + hashlib.sha256(user.encode()).hexdigest()[:10].upper()
