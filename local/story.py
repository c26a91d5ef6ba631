"""What each state of an upload's way means to somebody who watches, in a terminal or a browser."""

import re

STORY = {
    "Open": "Open: scan.json is written, unless somebody was first",
    "Scan": "Scan: CodeBuild runs scan/",
    "CheckBuildStatus": "CheckBuildStatus: what did it come to, and why?",
    "ClearPassed": "Tag the version scan-status=passed",
    "MarkFailed": "Tag the version scan-status=failed",
    "MarkBroken": "Tag the version scan-status=error",
    "TellFailed": "Publish the card to the channel",
    "TellBroken": "Publish the card to the channel",
    "AwaitDecision": "Await decision: wait for people, at no cost",
    "ReadDecision": "Read decision.json: what was decided",
    "ClearApproved": "Tag the version scan-status=approved",
    "MarkRejected": "Tag the version scan-status=rejected",
    "AnnounceApproved": "Announce: email the developers",
    "AnnounceRejected": "Announce: email the developers",
    "TellApproved": "Publish the decision to the channel",
    "TellRejected": "Publish the decision to the channel",
    "Supersede": "Supersede: close what an older version still asks",
    "ReadWithdrawal": "Read withdrawal.json: was the approval taken back?",
    "HoldException": "What is due next: tag, announce, wait, or the end",
    "HearWhoApproved": "Wait for who approved, or for a withdrawal",
    "HoldUnsure": "Nothing can be waited for, or read: is the exception over?",
    "HoldBlind": "Wait, then look again",
    "TellUncleared": "Publish that the tag could not be set",
    "ClearAgain": "Tag the version scan-status=approved",
    "StillEscalated": "Is it still true that nobody has decided?",
    "StillApproved": "Does the approval still hold?",
    "StillEnding": "Does the exception still hold?",
    "HoldToReminder": "Hold: until a reminder, the end, or a withdrawal",
    "HoldToEnd": "Hold: until the exception ends or is withdrawn",
    "TellTrouble": "Publish the trouble to the channel",
}


def told(state: str) -> str:
    """The state in words; one without a story by the words of its name."""
    return STORY.get(state) or re.sub(r"(?<=[a-z])(?=[A-Z])", " ", state).capitalize()
