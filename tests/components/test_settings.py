import re
import shlex
from typing import Any

import pulumi
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from components.scan_project import Vpc
from components.settings import EMAIL, LOG_DAYS, STACK, UNITS, Settings, load
from tests.components.recording import PROGRAM, PROJECT, TOKEN, build, told

DECLARED = {
    key: each
    for key, each in yaml.safe_load((PROGRAM / "Pulumi.yaml").read_text())["config"].items()
    if not key.startswith("pulumi:")
}
CA = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n"


def loaded(stack: str = "dev", **changed: Any) -> Settings:
    return build(lambda: load(pulumi.Config(PROJECT), stack), stack, told(stack, **changed)).made


def problems(stack: str = "dev", **changed: Any) -> list[tuple[str, str]]:
    """Each problem of the one error, with its mending command."""
    with pytest.raises(pulumi.RunError) as raised:
        build(lambda: load(pulumi.Config(PROJECT), stack), "dev", told(**changed))
    title, *lines = str(raised.value).splitlines()
    assert title == "Settings to mend:"
    assert len(lines) % 2 == 0
    return [
        (problem.removeprefix("  "), command.strip())
        for problem, command in zip(lines[::2], lines[1::2], strict=True)
    ]


def test_the_defaults_are_valid_for_whoever_names_the_channel_and_the_people():
    required = {key for key, each in DECLARED.items() if "default" not in each}

    assert required == {"slackWorkspaceId", "slackChannelId", "sender", "recipients"}
    defaults = {key: each["default"] for key, each in DECLARED.items() if "default" in each}
    found = loaded(**{**defaults, "sonarHostUrl": "https://sonar.example.com", "sonarToken": TOKEN})
    assert found.engine == "sonarqube"
    assert found.limits == {"BLOCKER": 0, "HIGH": 0, "MEDIUM": None, "LOW": None}
    assert found.upload_limits == {"files": 20_000, "bytes": 1024**3, "ratio": 200}
    assert found.decision_seconds == 72 * 3600
    assert found.exception_seconds == 30 * 86400
    assert (found.build_seconds, found.queue_seconds) == (1800, 8 * 3600)
    assert (found.architecture, found.compute_type) == ("x86_64", "BUILD_GENERAL1_MEDIUM")
    assert (found.vpc, found.user_role_required, found.protect) == (None, False, False)
    assert (found.log_days, found.upload_days) == (90, 90)
    assert (found.create_sender, found.allow_exclusions) == (True, False)


@pytest.mark.parametrize("stack", ["dev", "prod"])
def test_the_files_of_both_environments_load(stack: str):
    found = loaded(stack)

    assert found.protect is (stack == "prod")
    assert found.recipients[0] == "developers@example.com"
    assert found.sonar_host_url == "https://sonarqube.example.com"


def test_every_declared_setting_is_read(monkeypatch):
    read: set[str] = set()

    class Watching(pulumi.Config):
        def _get(self, key: str, *rest: Any, **more: Any) -> str | None:
            read.add(key)
            return super()._get(key, *rest, **more)

    build(lambda: load(Watching(PROJECT), "dev"), "dev", told())
    build(lambda: load(Watching(PROJECT), "dev"), "dev", told(engine="sarif"))

    assert read == set(DECLARED)


def test_the_token_stays_a_secret():
    found: list[bool] = []

    def make() -> None:
        token = load(pulumi.Config(PROJECT), "dev").sonar_token
        assert token is not None

        async def look() -> None:
            found.append(await token.is_secret())
            assert await token.future() == TOKEN

        pulumi.Output.from_input(look()).apply(lambda _: None)

    build(make, "dev", told())

    assert found == [True]
    assert TOKEN not in str(loaded().scan_environment)


def test_engine_sarif_needs_neither_server_nor_token_and_keeps_none():
    found = loaded(engine="sarif", sonarHostUrl="", sonarToken="")

    assert found.sonar_token is None
    assert loaded(engine="sarif", sonarToken=TOKEN).sonar_token is None


def test_what_a_scan_is_told():
    assert loaded(
        engine="sarif",
        sonarHostUrl="https://sonar.example.com/",
        sonarOrganization="org",
        sonarCa=CA,
        allowExclusions="true",
        maxMedium=5,
        maxUploadMegabytes=2,
        sarifCommand="tool {source} {sarif}",
    ).scan_environment == {
        "ENGINE": "sarif",
        "LIMITS": '{"BLOCKER": 0, "HIGH": 0, "MEDIUM": 5, "LOW": null}',
        "UPLOAD_LIMITS": '{"files": 20000, "bytes": 2097152, "ratio": 200}',
        "SONAR_HOST_URL": "https://sonar.example.com",
        "SONAR_ORGANIZATION": "org",
        "SONAR_CA": CA,
        "ALLOW_EXCLUSIONS": "true",
        "SARIF_COMMAND": "tool {source} {sarif}",
    }


def test_a_vpc_is_its_id_its_subnets_and_its_groups():
    found = loaded(
        vpcId="vpc-0a", vpcSubnets=["subnet-0a", "subnet-0b"], vpcSecurityGroups=["sg-0a"]
    )

    assert found.vpc == Vpc(
        vpc_id="vpc-0a", subnets=("subnet-0a", "subnet-0b"), security_groups=("sg-0a",)
    )


WRONG = [
    ("slackWorkspaceId", "C0000000000", "'C0000000000' is not a Slack workspace id"),
    ("slackWorkspaceId", None, "is missing"),
    ("slackChannelId", "#general", "'#general' is not a Slack channel id"),
    ("slackChannelId", "", "is missing"),
    ("sender", "security", "'security' is not an email address"),
    ("sender", "Security <security@example.com>", "is not an email address"),
    ("sender", None, "is missing"),
    ("createSender", "maybe", "'maybe' is not true or false"),
    ("recipients[0]", [], "nobody would get the emails"),
    ("recipients[0]", None, "nobody would get the emails"),
    ("recipients[1]", ["a@example.com", "b"], "'b' is not an email address"),
    ("recipients[0]", [7], "7 is not an email address"),
    ("recipients[0]", "a@example.com", "'a@example.com' is not a list"),
    ("recipients[0]", {"a@example.com": 1}, "is not a list"),
    ("deployers[0]", ["arn:aws:iam::123456789012:role/*"], "is not the ARN of an IAM role or user"),
    ("deployers[0]", ["deploy"], "'deploy' is not the ARN of an IAM role or user"),
    ("engine", "semgrep", "'semgrep' is not one of sonarqube, sarif"),
    ("sonarHostUrl", "sonarqube.example.com", "is not the URL of a SonarQube server"),
    ("sonarHostUrl", "", "is missing"),
    ("sonarToken", "", "is missing; engine sonarqube needs one"),
    ("sonarCa", "/etc/ssl/ca.pem", "'/etc/ssl/ca.pem' is not PEM"),
    ("allowExclusions", "yes", "'yes' is not true or false"),
    ("maxBlocker", "none", "'none' is not a whole number"),
    ("maxHigh", -2, "-2 is not between -1 and 1000000"),
    ("maxMedium", "1.5", "'1.5' is not a whole number"),
    ("maxLow", "", "'' is not a whole number"),
    ("maxUploadFiles", 0, "0 is not between 1 and 1000000"),
    ("maxUploadMegabytes", 50_001, "50001 is not between 1 and 50000"),
    ("maxUploadRatio", 1, "1 is not between 2 and 1100"),
    ("decisionWindow", "3 days", "'3 days' is not a duration"),
    ("decisionWindow", "91d", "91d is not between"),
    ("exceptionPeriod", "", "'' is not a duration"),
    ("exceptionPeriod", "271d", "271d is not between"),
    ("buildTimeout", "4m", "4m is not between 5m and 36h"),
    ("queueTimeout", "9h", "9h is not between 5m and 8h"),
    ("architecture", "arm", "'arm' is not one of x86_64, arm64"),
    ("computeType", "BUILD_GENERAL2_SMALL", "is not one of BUILD_GENERAL1_SMALL"),
    ("vpcId", "main", "'main' is not the id of a VPC"),
    ("userRoleRequired", "1", "'1' is not true or false"),
    ("recordWho", "yes", "'yes' is not true or false"),
    ("logDays", "a while", "'a while' is not a whole number"),
    ("logDays", 31, "31 is none of the values that CloudWatch takes"),
    ("logDays", 0, "0 is none of the values that CloudWatch takes"),
    ("uploadDays", 0, "0 is not between 1 and 3650"),
    ("protect", "on", "'on' is not true or false"),
]
VPC = {"vpcId": "vpc-0a", "vpcSubnets": ["subnet-0a"], "vpcSecurityGroups": ["sg-0a"]}


def command_for(key: str) -> str:
    flags = "--path " if "[" in key else "--secret " if key == "sonarToken" else ""
    return f"pulumi config set {flags}{shlex.quote(key)} "


@pytest.mark.parametrize(
    ("key", "value", "why"), WRONG, ids=[f"{key}={value}"[:40] for key, value, _ in WRONG]
)
def test_a_wrong_setting_is_named_with_what_is_wrong_and_the_command_that_mends_it(
    key: str, value: Any, why: str
):
    changed = {key.split("[")[0]: value, **(VPC if key == "vpcId" else {}), **{key: value}}
    found = problems(**{k: v for k, v in changed.items() if "[" not in k})

    assert len(found) == 1
    problem, command = found[0]
    assert problem.startswith(f"{key}: ")
    assert why in problem
    assert command.startswith(command_for(key))
    assert command.endswith(" --stack dev")


@pytest.mark.parametrize(
    ("command", "engine", "wrong"),
    [
        ("tool {source}", "sarif", True),
        ("tool {sarif}", "sarif", True),
        ("", "sarif", True),
        ("tool '{source} {sarif}", "sarif", True),
        ("tool {source} --output={sarif}", "sarif", False),
        ("", "sonarqube", False),
    ],
)
def test_the_sarif_command_names_source_and_result_where_it_is_used(
    command: str, engine: str, wrong: bool
):
    if wrong:
        [(problem, mend)] = problems(sarifCommand=command, engine=engine)
        assert problem == "sarifCommand: must be a command that names {source} and {sarif}"
        assert mend == (
            "pulumi config set sarifCommand 'tool {source} --output {sarif}' --stack dev"
        )
    else:
        assert loaded(sarifCommand=command, engine=engine).sarif_command == command


@pytest.mark.parametrize("key", VPC)
def test_a_vpc_that_lacks_a_part_is_told_which(key: str):
    lacking = "vpcId" if key == "vpcId" else f"{key}[0]"
    [(problem, command)] = problems(**{**VPC, key: "" if key == "vpcId" else []})

    assert problem.startswith(f"{lacking}: is missing")
    assert command.startswith(command_for(lacking))


@pytest.mark.parametrize(
    ("key", "value"), [("vpcSubnets", ["main"]), ("vpcSecurityGroups", ["default"])]
)
def test_parts_of_a_vpc_are_ids(key: str, value: list[str]):
    [(problem, command)] = problems(**{**VPC, key: value})

    assert problem.startswith(f"{key}[0]: {value[0]!r} is not the id of a")
    assert command.startswith(command_for(f"{key}[0]"))


def test_every_setting_that_can_be_wrong_was_wrong_here():
    tried = {key.split("[")[0] for key, *_ in WRONG} | {"sarifCommand", *VPC}

    assert set(DECLARED) - tried == {"sonarOrganization"}


def test_all_that_is_wrong_is_told_at_once():
    found = problems(sender="x", logDays=31, decisionWindow="soon", engine="none", protect="?")

    assert [problem.split(":")[0] for problem, _ in found] == [
        "engine",
        "logDays",
        "sender",
        "decisionWindow",
        "protect",
    ]


@pytest.mark.parametrize("key", sorted(key for key, *_ in WRONG))
def test_the_mending_command_mends(key: str):
    """Follow it as the CLI would, and load again."""
    name = key.split("[")[0]
    value = next(value for each, value, _ in WRONG if each == key)
    [(_, command)] = problems(**{**(VPC if name == "vpcId" else {}), name: value})
    words = shlex.split(command)
    told_to = words[words.index(key) + 1]
    if told_to == "<":
        told_to = CA
    if "[" in key:
        place = int(key[:-1].split("[")[1])
        kept = value if isinstance(value, list) else []
        told_to = [*kept[:place], told_to, *kept[place + 1 :]]

    loaded(**{**(VPC if name == "vpcId" else {}), name: told_to})


def test_the_token_is_never_in_an_error():
    assert TOKEN not in str(problems(sonarHostUrl="x", engine="sonarqube"))


@settings(deadline=None)
@given(st.integers(0, 10**6), st.sampled_from("smhd"))
def test_a_duration_is_its_number_of_seconds_or_refused(number: int, unit: str):
    seconds = number * UNITS[unit]
    value = f"{number}{unit}"
    if 60 <= seconds <= 90 * 86400:
        assert loaded(decisionWindow=value).decision_seconds == seconds
    elif seconds > 90 * 86400 or seconds == 0:
        [(problem, _)] = problems(decisionWindow=value)
        assert problem.startswith(f"decisionWindow: {value} is not between")


@given(st.emails())
def test_every_plain_address_is_taken(address: str):
    assert EMAIL.fullmatch(address)


@given(st.text())
def test_an_address_is_one_word_with_one_at_and_a_dotted_domain(text: str):
    if EMAIL.fullmatch(text):
        name, domain = text.split("@")
        assert name
        assert "." in domain.strip(".")
        assert not re.search(r"[\s<>\"]", text)


@given(st.from_regex(r"[a-z0-9-]{1,20}", fullmatch=True) | st.text(max_size=20))
def test_a_stack_is_at_most_16_lower_case_letters_digits_and_single_hyphens(stack: str):
    good = (
        0 < len(stack) <= 16
        and set(stack) <= set("abcdefghijklmnopqrstuvwxyz0123456789-")
        and "--" not in stack
        and stack.strip("-") == stack
    )

    assert bool(STACK.fullmatch(stack)) == good


@pytest.mark.parametrize("stack", ["Prod", "a" * 17, "a-b-c-d-e-f-g-h-i", "-dev", "dev-", "a--b"])
def test_a_stack_whose_name_cannot_stand_in_other_names_is_refused(stack: str):
    [(problem, command)] = problems(stack)

    assert f"{stack!r} goes into names of buckets and functions" in problem
    assert command == "pulumi stack rename dev"


@pytest.mark.parametrize("days", LOG_DAYS)
def test_every_value_of_cloudwatch_is_taken(days: int):
    assert loaded(logDays=days).log_days == days


def test_the_scanner_of_the_default_lets_no_comment_and_no_folder_hide_code():
    from scan.job import SARIF_COMMAND

    assert DECLARED["sarifCommand"]["default"] == SARIF_COMMAND


@pytest.mark.parametrize(("days", "kept"), [(90, 90), (1, 34)], ids=["longer", "shorter"])
def test_a_replaced_version_is_kept_while_it_may_still_be_approved(days: int, kept: int):
    told_ = {"uploadDays": days, "decisionWindow": "72h", "exceptionPeriod": "30d"}

    assert loaded(**told_).kept_days == kept
