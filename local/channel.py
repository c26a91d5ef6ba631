"""The Slack channel as the chat service would serve it: cards from SNS, buttons, commands.

The service's rules come from its documentation (custom notifications, custom actions); what it
would drop in silence is kept here with the reason.
"""

import contextlib
import fnmatch
import hashlib
import json
import re
import shlex
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

AUDIT_REGION = "us-east-1"
LIMITS = {"title": 250, "description": 8000, "nextSteps": 350, "keywords": 75}


@dataclass(frozen=True)
class Button:
    """A custom action on one card; ``asks`` are the variables that the card does not bind."""

    label: str
    command: str
    bound: Mapping[str, str]
    asks: tuple[str, ...]

    def filled(self, answers: Mapping[str, str]) -> str:
        """The command with all variables put in; what nobody answered is empty."""
        values = {**self.bound, **{name: answers.get(name, "") for name in self.asks}}
        # Substitution is textual, in one pass.
        return re.sub(r"\$([A-Za-z]+)", lambda match: values.get(match[1], match[0]), self.command)


@dataclass(frozen=True)
class Card:
    """One message in the channel."""

    title: str
    description: str
    next_steps: tuple[str, ...]
    keywords: tuple[str, ...]
    thread: str
    summary: str
    buttons: tuple[Button, ...]
    raw: Mapping[str, Any] = field(repr=False)
    alarm: bool = False
    received: float = field(default_factory=time.time)

    @property
    def scan(self) -> str:
        """The id of the scan that it is about; empty for an alarm, and what is about several."""
        return self.raw.get("metadata", {}).get("additionalContext", {}).get("Scan", "")


@dataclass(frozen=True)
class Dropped:
    """A message that the service drops in silence, and why."""

    why: str
    text: str
    received: float = field(default_factory=time.time)


class Refused(Exception):
    """What the service tells the person when a command may not run."""


class Channel:
    """Listens to the configured topics; ``press`` does what a person's press would do."""

    def __init__(self, client: Callable[..., Any]) -> None:
        self._client = client
        self.cards: list[Card] = []
        self.dropped: list[Dropped] = []
        self._actions: dict[str, dict[str, Any]] = {}
        self._configuration: dict[str, Any] = {}
        self._heard = threading.Condition()
        self._listening = threading.Event()

    def register(self, kind: str, state: dict[str, Any]) -> str:
        """Create what Cloud Control is asked for, by the service's own limits; return its ARN.

        Raises:
            ValueError: what the service would refuse, or a type that is not known here.
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
            self._subscribe()
            return f"{account}:chat-configuration/slack-channel/{state['ConfigurationName']}"
        raise ValueError(f"local/ cannot create {kind}")

    def wait(self, matches: Callable[[Card], bool], seconds: float = 60) -> Card:
        """The first card that matches, once it is there.

        Raises:
            TimeoutError: it did not come; says what did.
        """
        with self._heard:
            found = self._heard.wait_for(
                lambda: next((card for card in self.cards if matches(card)), None), timeout=seconds
            )
        if not found:
            came = [card.title for card in self.cards] + [
                f"dropped: {each.why}" for each in self.dropped
            ]
            raise TimeoutError(f"no such card within {seconds:.0f} s; there are {came}")
        return found

    def press(
        self, button: Button, answers: Mapping[str, str] | None = None, user: str = "You"
    ) -> str:
        """Press a button as ``user``, giving what it asks for; return what the service answers.

        Raises:
            Refused: the command cannot be read, or guardrail or role do not allow it.
        """
        return self.run(button.filled(answers or {}), user)

    def run(self, command: str, user: str = "You") -> str:
        """Run a command of the AWS CLI's form, as a person may type it in the channel too.

        Raises:
            Refused: as for press.
        """
        function, region, payload = parse_command(command)
        arn = function
        if not function.startswith("arn:"):
            arn = f"arn:aws:lambda:{region}:123456789012:function:{function}"
        role = self._configuration["IamRoleArn"].rsplit("/", 1)[1]
        if not (
            all(self._allowed(each, arn) for each in self._guardrail())
            and any(self._allowed(each, arn) for each in self._role_policies(role))
        ):
            raise Refused(f"I do not have permission to call lambda:InvokeFunction on {arn}")
        answer = self._client("lambda").invoke(FunctionName=function, Payload=payload)
        self._audit(command, user)
        return json.loads(answer["Payload"].read())

    def stop(self) -> None:
        """Stop listening."""
        self._listening.clear()

    def _audit(self, command: str, user: str) -> None:
        """The service's log of commands; the fields' names are likely ones, it documents none."""
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
        """The configuration subscribes itself: in AWS by a service endpoint, here by a queue."""
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
            except Exception:  # the server has gone
                return
            for message in messages:
                self._hear(json.loads(message["Body"])["Message"])
            if messages:
                sqs.delete_message_batch(
                    QueueUrl=url,
                    Entries=[
                        {"Id": str(number), "ReceiptHandle": message["ReceiptHandle"]}
                        for number, message in enumerate(messages)
                    ],
                )

    def _hear(self, text: str) -> None:
        with self._heard:
            try:
                message = json.loads(text)
                if not is_alarm(message):
                    check_notification(message)
            except ValueError as why:
                self.dropped.append(Dropped(str(why), text))
            else:
                shown = alarm_card if is_alarm(message) else self._card
                self.cards.append(shown(message))
            self._heard.notify_all()

    def _card(self, notification: dict[str, Any]) -> Card:
        content, metadata = notification["content"], notification.get("metadata", {})
        attached = [
            self._actions[arn] for arn in self._configuration.get("CustomizationResourceArns", [])
        ]
        buttons = [
            button
            for action in attached
            if metadata.get("enableCustomActions", True)
            for attachment in action["Attachments"]
            if (button := _button(action, attachment, metadata.get("additionalContext", {})))
        ]
        return Card(
            title=content.get("title", ""),
            description=content["description"],
            next_steps=tuple(content.get("nextSteps", [])),
            keywords=tuple(content.get("keywords", [])),
            thread=metadata.get("threadId", ""),
            summary=metadata.get("summary", ""),
            buttons=tuple(buttons),
            raw=notification,
        )

    def _guardrail(self) -> list[dict[str, Any]]:
        iam = self._client("iam")
        documents = []
        for arn in self._configuration["GuardrailPolicies"]:
            version = iam.get_policy(PolicyArn=arn)["Policy"]["DefaultVersionId"]
            got = iam.get_policy_version(PolicyArn=arn, VersionId=version)["PolicyVersion"]
            documents.append(got["Document"])
        return documents

    def _role_policies(self, role: str) -> list[dict[str, Any]]:
        iam = self._client("iam")
        names = iam.list_role_policies(RoleName=role)["PolicyNames"]
        return [
            iam.get_role_policy(RoleName=role, PolicyName=name)["PolicyDocument"] for name in names
        ]

    @staticmethod
    def _allowed(document: dict[str, Any], arn: str) -> bool:
        return any(
            statement["Effect"] == "Allow"
            and "lambda:InvokeFunction" in statement["Action"]
            and any(fnmatch.fnmatchcase(arn, each) for each in statement["Resource"])
            for statement in document["Statement"]
        )


def member_id(user: str) -> str:
    """The id that Slack might have for a person."""
    return "U" + hashlib.sha256(user.encode()).hexdigest()[:10].upper()


def parse_command(command: str) -> tuple[str, str, str]:
    """Read ``lambda invoke``; return function name, region and payload.

    Raises:
        Refused: another command, or one that cannot be read.
    """
    head, _, rest = command.partition("--payload ")
    try:
        payload, end = json.JSONDecoder().raw_decode(rest)
        words = shlex.split(head + rest[end:])
    except ValueError as error:
        raise Refused(f"I can't understand the command: {error}") from error
    options = dict(zip(words[2::2], words[3::2], strict=False))
    if words[:2] != ["lambda", "invoke"] or options.keys() != {"--function-name", "--region"}:
        raise Refused(f"I can't run {' '.join(words[:2])} with {sorted(options)}")
    return options["--function-name"], options["--region"], json.dumps(payload)


def is_alarm(message: Any) -> bool:
    """Whether a message is CloudWatch's own about an alarm, which the service shows natively."""
    return isinstance(message, dict) and message.keys() >= {"AlarmName", "NewStateValue"}


def alarm_card(alarm: Mapping[str, Any]) -> Card:
    """The card of an alarm; the service gives it a colour and takes no custom action for it."""

    def field_of(name: str) -> str:
        text = str(alarm.get(name) or "")
        return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")

    title = f"CloudWatch Alarm | {field_of('AlarmName')} | {field_of('Region')}"
    told = {
        "State": "NewStateValue",
        "State change reason": "NewStateReason",
        "Alarm description": "AlarmDescription",
        "Timestamp": "StateChangeTime",
    }
    return Card(
        title=title,
        description="\n".join(
            f"*{label}*\n{field_of(name)}" for label, name in told.items() if alarm.get(name)
        ),
        next_steps=(),
        keywords=(),
        thread="",
        summary=title,
        buttons=(),
        raw=alarm,
        alarm=True,
    )


def check_notification(notification: Any) -> None:
    """Hold a message against the custom notification schema.

    Raises:
        ValueError: why the service would drop it.
    """

    def text(value: Any, limit: int, what: str) -> None:
        if not isinstance(value, str) or not 1 <= len(value) <= limit:
            raise ValueError(f"{what} must be text of 1 to {limit} characters")

    def only(mapping: Any, known: set[str], what: str) -> dict[str, Any]:
        if not isinstance(mapping, dict) or mapping.keys() - known:
            raise ValueError(f"{what} knows {sorted(known)}")
        return mapping

    only(notification, {"version", "source", "id", "content", "metadata"}, "a notification")
    if notification.get("version") != "1.0" or notification.get("source") != "custom":
        raise ValueError("version must be 1.0 and source custom")
    content = only(
        notification.get("content"),
        {"textType", "title", "description", "nextSteps", "keywords"},
        "content",
    )
    if content.get("textType", "client-markdown") != "client-markdown":
        raise ValueError("textType must be client-markdown")
    text(content.get("description"), LIMITS["description"], "description")
    if "title" in content:
        text(content["title"], LIMITS["title"], "title")
    for key in ("nextSteps", "keywords"):
        for each in content.get(key, []):
            text(each, LIMITS[key], f"each of {key}")
    metadata = only(
        notification.get("metadata", {}),
        {
            "threadId", "summary", "eventType", "relatedResources", "additionalContext",
            "enableCustomActions",
        },
        "metadata",
    )  # fmt: skip
    context = metadata.get("additionalContext", {})
    if not all(isinstance(each, str) for pair in context.items() for each in pair):
        raise ValueError("additionalContext maps strings to strings")


def check_custom_action(state: dict[str, Any]) -> None:
    """Hold a custom action against the service's limits.

    Raises:
        ValueError: what the service would refuse.
    """
    if not re.fullmatch(r"[A-Za-z0-9_-]{1,64}", state["ActionName"]):
        raise ValueError(f"ActionName {state['ActionName']!r} is not 1 to 64 of A-Z a-z 0-9 _ -")
    if not 1 <= len(state["Definition"]["CommandText"]) <= 100:
        raise ValueError("CommandText has more than 100 characters")
    for attachment in state["Attachments"]:
        variables, criteria = attachment["Variables"], attachment["Criteria"]
        if not 1 <= len(attachment["ButtonText"]) <= 50:
            raise ValueError("ButtonText has 1 to 50 characters")
        if not 1 <= len(variables) <= 5 or not 1 <= len(criteria) <= 5:
            raise ValueError("an attachment has 1 to 5 variables and 1 to 5 criteria")
        for each in criteria:
            if each["VariableName"] not in variables:
                raise ValueError(f"the criteria name {each['VariableName']}, no variable does")
            if len(each.get("Value", "")) > 50:
                raise ValueError(f"the criteria's value {each['Value']!r} is over 50 characters")


def _button(
    action: dict[str, Any], attachment: dict[str, Any], context: Mapping[str, str]
) -> Button | None:
    bound = {
        name: context[path.rsplit(".", 1)[1]]
        for name, path in attachment["Variables"].items()
        if path.rsplit(".", 1)[1] in context
    }
    for each in attachment["Criteria"]:
        value = bound.get(each["VariableName"], "")
        if not value or (each["Operator"] == "EQUALS" and value != each["Value"]):
            return None
    return Button(
        label=attachment["ButtonText"],
        command=action["Definition"]["CommandText"],
        bound=bound,
        asks=tuple(name for name in attachment["Variables"] if name not in bound),
    )
