"""approve, reject, extend, withdraw and rescan invoke the functions of the buttons."""

import io
import json

import pytest

SCAN = "payments/1"


@pytest.fixture
def function(asked_first):
    """The functions behind the buttons: their payloads and responses."""
    requests = []

    def answer(response, **more):
        def invoke(operation, parameters):
            if operation != "Invoke":
                return None
            requests.append((parameters["FunctionName"], json.loads(parameters["Payload"])))
            return {"Payload": io.BytesIO(json.dumps(response).encode()), **more}

        asked_first(invoke)
        return requests

    return answer


@pytest.mark.parametrize(
    ("words", "payload"),
    [
        (["approve", SCAN, "--reason", "ok so", "--days", "14"], {"approve": ["ok so", "14"]}),
        (["approve", SCAN, "--reason", "ok so"], {"approve": ["ok so", ""]}),
        (["reject", SCAN, "--reason", "not so"], {"reject": "not so"}),
        (["extend", SCAN, "--reason", "not yet", "--days", "7"], {"extend": ["not yet", "7"]}),
        (["withdraw", SCAN, "--reason", "not any more"], {"withdraw": "not any more"}),
    ],
    ids=["approve for days", "approve", "reject", "extend", "withdraw"],
)
def test_a_decision_is_what_the_button_sends(environment, function, words, payload):
    requests = function("Approved: so be it.")

    result = environment.run(*words)

    assert (result.exit_code, result.stdout) == (0, "Approved: so be it.\n")
    assert requests == [("approval", {"scan": SCAN, **payload})]


@pytest.mark.parametrize(
    ("sentence", "code"),
    [("Rejected: no.", 0), ("Extended: until then.", 0), ("Already approved.", 1)],
    ids=["rejected", "extended", "refused"],
)
def test_json_says_whether_it_was_done(environment, function, sentence, code):
    function(sentence)

    result = environment.run("reject", SCAN, "--reason", "no", "--json")

    assert result.exit_code == code
    assert json.loads(result.stdout) == {"scan": SCAN, "done": not code, "sentence": sentence}


def test_rescan_invokes_its_own_function(environment, function):
    requests = function("Scanning payments/api.zip again.")

    assert environment.run("rescan", SCAN).exit_code == 0
    assert requests == [("rescan", {"scan": SCAN})]


def test_a_refused_action_exits_with_1(environment, function):
    function("Already rejected on 1 Jan 2026, because: no.")

    result = environment.run("approve", SCAN, "--reason", "please")

    assert (result.exit_code, "Already rejected" in result.stdout) == (1, True)


def test_where_two_people_must_approve_nobody_approves_by_the_command_line(environment, function):
    requests = function("Approved: so be it.")
    outputs = json.loads(environment.outputs.read_text())
    environment.outputs.write_text(json.dumps({**outputs, "approvals": 2}))

    result = environment.run("approve", SCAN, "--reason", "ok so")

    assert (result.exit_code, requests) == (1, [])
    assert "two people must approve" in result.stderr


@pytest.mark.parametrize(
    ("expected", "more", "displayed"),
    [
        ({"errorMessage": "Task timed out"}, {"FunctionError": "Unhandled"}, "Task timed out"),
        (None, {}, "approval failed: null"),
    ],
    ids=["an error", "no sentence"],
)
def test_a_failed_function_is_reported_with_a_message(
    environment, function, expected, more, displayed
):
    function(expected, **more)

    result = environment.run("reject", SCAN, "--reason", "not so")

    assert result.exit_code == 2
    assert displayed in result.stderr


@pytest.mark.parametrize(
    "words",
    [["approve", SCAN], ["reject", "no id", "--reason", "not so"], ["rescan", "../../x"]],
    ids=["no reason", "no id", "a path"],
)
def test_an_invalid_decision_is_not_sent(environment, function, words):
    requests = function("Approved")

    assert environment.run(*words).exit_code == 2
    assert requests == []
