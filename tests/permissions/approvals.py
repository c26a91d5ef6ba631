"""Lifecycles of approvals: exceptions that cover, extensions, four eyes and a quorum."""

from collections.abc import Iterator
from contextlib import contextmanager

from local.account import LocalAccount
from local.card import Card
from tests.faults.lifecycles import BUILDSPEC
from tests.support.account import QUICK_FAILING, approve, card_of

# As every real build, it takes longer than S3's notification, which says who uploaded.
SLOW = BUILDSPEC.replace('"commands": [', '"commands": ["sleep 4", ')


def run(cloud: LocalAccount) -> None:
    """Run each of them once."""
    _an_exception_is_extended_and_withdrawn(cloud)
    _who_uploaded_approves(cloud)
    with _two_must_approve(cloud):
        _two_people_approve(cloud)


def _an_exception_is_extended_and_withdrawn(cloud: LocalAccount) -> None:
    root = _begun(cloud, "exception")
    # Nothing is extended in its last minute.
    _answer(cloud, card_of(cloud, root), "Approve", "known and harmless", Days="2h")
    approved = card_of(cloud, root, "approved until")
    _answer(cloud, approved, "Extend", "vendor is late", Days="3h")
    extended = card_of(cloud, root, "extended")
    quick = cloud.builds.buildspec
    cloud.builds.buildspec = SLOW
    resting = cloud.upload("exception/app.zip", QUICK_FAILING)
    cloud.reached(cloud.execution(resting), "AwaitWithdrawal")
    cloud.builds.buildspec = quick
    _answer(cloud, extended, "Withdraw", "found in use")
    for scan in (root, resting):
        cloud.ended(cloud.execution(scan))


def _who_uploaded_approves(cloud: LocalAccount) -> None:
    scan = _begun(cloud, "self-approval")
    approve(cloud, scan, "Ada", "it is harmless")
    cloud.ended(cloud.execution(scan))


def _two_people_approve(cloud: LocalAccount) -> None:
    _begun(cloud, "quorum")
    # After another version that failed, the email says what changed.
    scan = _begun(cloud, "quorum")
    approve(cloud, scan, "Ben", "known and harmless")
    card_of(cloud, scan, "1 of 2")
    approve(cloud, scan, "Eve", "agreed")
    cloud.ended(cloud.execution(scan))


@contextmanager
def _two_must_approve(cloud: LocalAccount) -> Iterator[None]:
    """Change the setting ``approvals`` of the deployed functions."""
    functions = cloud.client("lambda")
    for needed in ("2", "1"):
        for item in functions.list_functions()["Functions"]:
            variables = item["Environment"]["Variables"]
            if "APPROVALS" in variables:
                functions.update_function_configuration(
                    FunctionName=item["FunctionName"],
                    Environment={"Variables": {**variables, "APPROVALS": needed}},
                )
        if needed == "2":
            yield


def _answer(cloud: LocalAccount, card: Card, label: str, reason: str, **more: str) -> None:
    button = next(item for item in card.buttons if item.label == label)
    cloud.channel.click(button, {"Reason": reason, **more}, "Ben")


def _begun(cloud: LocalAccount, app: str) -> str:
    scan = cloud.upload(f"{app}/app.zip", QUICK_FAILING)
    cloud.reached(cloud.execution(scan), "AwaitDecision")
    return scan
