"""One call of each caller fails: nothing is lost or doubled, and no failure is unreported."""

from tests.faults.calls import Call
from tests.faults.fault_run import WRONG, FaultCase, start_run
from tests.faults.injection import FAULTS

# Not made in every run: only where the click comes while the token is stored.
OCCASIONAL = Call("callback", "SendTaskSuccess")


def test_a_fault_of_each_caller_is_survived():
    with start_run(["rejected"], at_once=3) as run:
        calls = [case.call for case in run.cases() if case.call and case.call != OCCASIONAL]
        last_call = {call.who: call for call in calls}
        cases = [
            FaultCase("rejected", call, list(FAULTS)[number % 2])
            for number, call in enumerate(last_call.values())
        ]

        results = list(run.try_all(cases))

    assert [(result.case, result.why) for result in results if result.outcome == WRONG] == []
    assert last_call.keys() == {
        "EventBridge", "state machine", "CodeBuild", "scan", "check-build-status", "open-scan",
        "Slack channel", "approval", "callback", "notify", "uploader",
    }  # fmt: skip
