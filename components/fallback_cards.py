"""The cards that the state machine writes itself, when the function that writes them has failed.

Each is an expression in JSONata that yields a notification of the chat service as text
(https://docs.aws.amazon.com/chatbot/latest/adminguide/custom-notifs.html).
"""

from components.states import ERROR
from domain.partition import console


def _card(title: str, description: str, next_step: str) -> str:
    """``title`` and ``description`` are expressions, ``next_step`` is text."""
    return (
        "$string({'version': '1.0', 'source': 'custom', 'content': {"
        f"'textType': 'client-markdown', 'title': {title}, 'description': {description}, "
        f"'nextSteps': ['{next_step}']}}, "
        "'metadata': {'threadId': $thread, 'additionalContext': {'Scan': $scan.scan}}})"
    )


_STILL_OPEN = _card(
    "$scan.app & ': decision still pending'",
    "'*' & $scan.scan & '* failed its quality gate and waits for Approve or Reject.'",
    "Click Approve or Reject on the card above.",
)
_EVENT = "$replace($event, '-', ' ')"
_EMAIL_NOT_SENT = _card(
    f"$scan.app & ': ' & {_EVENT} & ', but the email could not be sent'",
    f"'No email tells the developers about *' & $scan.scan & '* (' & {_EVENT} & '):\\n\\n' & "
    + ERROR,
    "Tell the developers. Check that the sender is verified in SES, and, while in its sandbox, "
    "each recipient.",
)
# For the Catch of Notify. No other card or email says that the request is still open.
_ABOUT_A_REQUEST = "$event in ['escalated', 'partly-approved']"
NOT_NOTIFIED = f"{{% {_ABOUT_A_REQUEST} ? {_STILL_OPEN} : {_EMAIL_NOT_SENT} %}}"

_DELAYED = _card(
    "$scan.app & ': approved, but its status could not be set yet'",
    "'*' & $scan.scan & '* was approved, but its tag scan-status could not be set. It is tried "
    "again, at first each minute:\\n\\n' & $errorText",
    "Wait for the card that says approved. If none comes, look at what AWS answers above.",
)
APPROVAL_DELAYED = f"{{% {_DELAYED} %}}"


def pipeline_error(region: str) -> str:
    """The card of an execution that ends early, with a link to it; what failed is $error."""
    link = f"{console(region)}/states/home?region={region}#/v2/executions/details/"
    card = _card(
        "'Pipeline error for ' & $scan.app",
        "'The status of *' & $scan.scan & '* is unchanged: look at its tag scan-status. If that "
        "says approved, it will not expire by itself: delete that version where it may not be "
        f"deployed.\\n\\n' & $errorText & '\\n\\n<{link}' & $states.context.Execution.Id"
        " & '|Open the execution>'",
        # Not a redrive: that would enter the Fail state again, and nothing else.
        "Fix the cause, then upload the zip again: each upload is scanned.",
    )
    return f"{{% {card} %}}"
