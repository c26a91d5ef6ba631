"""What each state means, for people who follow an upload in a terminal or a browser."""

import re

DESCRIPTIONS = {
    "OpenScan": "Open scan: write scan.json, close what older versions still ask",
    "IsNewScan": "Is this execution the one that opened the scan?",
    "Scan": "Scan: CodeBuild runs scan/",
    "CheckBuildStatus": "Check build status: what did it result in, and why?",
    "TagStatus": "Tag the version with its status",
    "RouteByStatus": "What the status needs: nothing, a card, or an email too",
    "WaitForDigest": "Wait until the digest has begun the thread",
    "WaitForAuditLog": "Wait until the audit log says who clicked",
    "Notify": "Notify: email the developers, word the card",
    "RouteByCard": "Is the event still true, and is it the last?",
    "PublishCard": "Publish the card to the channel",
    "PublishOutcome": "Publish the last card to the channel",
    "PublishEscalation": "Publish the escalation to the other topic",
    "RouteByEvent": "What follows the event",
    "AwaitDecision": "Await decision: wait for people, at no cost",
    "CheckForDecision": "Check for a decision: what the evidence says",
    "RouteByDecision": "What follows from the decision",
    "AwaitWithdrawal": "Await withdrawal: until a reminder, or the end of the approval",
    "WaitWithoutCallback": "Wait, then look again",
    "TagFailed": "The tag could not be set: what now?",
    "CheckFailed": "The evidence could not be read: what now?",
    "PublishFailed": "The card could not be published: what now?",
    "DescribeError": "Word the card about what failed",
}


def describe(state: str) -> str:
    """The description of a state, or the words of its name if there is none."""
    return DESCRIPTIONS.get(state) or re.sub(r"(?<=[a-z])(?=[A-Z])", " ", state).capitalize()
