"""Renders cards, emails and durations for a terminal."""

import email
import email.policy
from email.message import EmailMessage
from typing import Any

from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from local import mrkdwn
from local.card import Card

STYLES = ("bold", "italic", "strike")


def slack(text: str) -> Text:
    """Slack's mrkdwn as styled text: bold, code, links."""
    rendered = Text()
    for position, block in enumerate(mrkdwn.parse(text)):
        if position:
            rendered.append("\n")
        for span in block["spans"]:
            styles = [style for style in STYLES if style in span]
            styles += ["magenta"] if "code" in span else []
            styles += [f"cyan link {span['href']}"] if "href" in span else []
            rendered.append(span["text"], " ".join(styles))
    return rendered


def card(slack_card: Card) -> Panel:
    """A card as it looks in the channel."""
    parts: list[RenderableType] = [
        Text(slack_card.title, style="bold"),
        Text(),
        slack(slack_card.description),
    ]
    if slack_card.next_steps:
        parts += [Text(), Text("Next steps", style="bold")]
        parts += [Text("• ") + slack(step) for step in slack_card.next_steps]
    if slack_card.buttons:
        labels = [Text(f" {button.label} ", style="reverse") for button in slack_card.buttons]
        parts += [Text(), Text("  ").join(labels)]
    return Panel(
        Group(*parts),
        title="[bold]#security[/bold]  Amazon Q",
        title_align="left",
        border_style="magenta",
        padding=(1, 2),
    )


def mail(sent: Any) -> Panel:
    """An email that SES accepted: its text part."""
    message = _message(sent)
    head = Table.grid(padding=(0, 2))
    for name in ("From", "To", "Subject"):
        head.add_row(Text(name, style="dim"), Text(str(message[name])))
    return Panel(
        Group(head, Text(), Text(mail_text(sent).strip())),
        title="[bold]Email[/bold]",
        title_align="left",
        border_style="blue",
        padding=(1, 2),
    )


def mail_text(sent: Any) -> str:
    """The text part of an email that SES accepted."""
    body = _message(sent).get_body(("plain",))
    return body.get_content() if body else ""


def _message(sent: Any) -> EmailMessage:
    return email.message_from_string(sent.raw_data, policy=email.policy.default)


def seconds(value: float) -> str:
    """A duration, right-aligned."""
    return f"{value:6.1f} s"
