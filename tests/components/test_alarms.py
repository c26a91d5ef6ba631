import pytest

from components.alarms import Alarms, AlarmsArgs
from tests.components.recording import Built, build


@pytest.fixture(scope="module")
def built() -> Built:
    args = AlarmsArgs(
        state_machine_arn="arn:machine", dead_letters="letters", topic_arn="arn:topic"
    )
    return build(lambda: Alarms("alarms", args))


@pytest.mark.parametrize(
    ("name", "namespace", "metric", "dimensions"),
    [
        (
            "dead-letters",
            "AWS/SQS",
            "ApproximateNumberOfMessagesVisible",
            {"QueueName": "letters"},
        ),
        ("ExecutionsFailed", "AWS/States", "ExecutionsFailed", {"StateMachineArn": "arn:machine"}),
        (
            "ExecutionsTimedOut",
            "AWS/States",
            "ExecutionsTimedOut",
            {"StateMachineArn": "arn:machine"},
        ),
        (
            "ExecutionsAborted",
            "AWS/States",
            "ExecutionsAborted",
            {"StateMachineArn": "arn:machine"},
        ),
    ],
)
def test_the_first_loss_on_the_way_alarms_the_channel(
    built: Built, name: str, namespace: str, metric: str, dimensions: dict[str, str]
):
    alarm = built.one("cloudwatch/metricAlarm:MetricAlarm", name).inputs

    assert (alarm["namespace"], alarm["metricName"]) == (namespace, metric)
    assert alarm["dimensions"] == dimensions
    assert alarm["alarmActions"] == ["arn:topic"]
    assert (alarm["comparisonOperator"], alarm["threshold"]) == ("GreaterThanThreshold", 0)
    assert (alarm["period"], alarm["evaluationPeriods"]) == (60, 1)
    assert alarm["treatMissingData"] == "notBreaching"
