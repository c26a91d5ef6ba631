"""A gate runs in the commercial partition, and only one module says which that is."""

import re

import pulumi
import pytest
import yaml

from domain.partition import PARTITION, console
from ops.configuration import configuration
from ops.errors import CommandError
from ops.program import partition_of, record_program
from tests.support.recording import ACCOUNT, PROGRAM, settings_with

OTHERS = {"cn-north-1": "aws-cn", "us-gov-west-1": "aws-us-gov", "eusc-de-east-1": "aws-eusc"}
# ARNs and the console's addresses are written as in one partition, except in examples of text.
WRITTEN = re.compile(r"arn:aws[^_a-z{]|arn:aws-|arn:aws\[|console\.(aws\.amazon|amazonaws)")


@pytest.mark.parametrize("region", OTHERS)
def test_a_region_without_the_chat_service_is_refused_before_anything_is_made(region: str):
    with pytest.raises(pulumi.RunError) as refused:
        record_program("dev", settings_with("dev"), ACCOUNT, region)

    assert f"{region} is in the partition {OTHERS[region]}" in str(refused.value)
    assert "deploy into a region of the partition aws" in str(refused.value)


@pytest.mark.parametrize("region", OTHERS)
def test_commands_refuse_such_a_region_too(region: str, tmp_path, monkeypatch):
    shipped = yaml.safe_load((PROGRAM / "Pulumi.dev.yaml").read_text())
    settings = tmp_path / "Pulumi.dev.yaml"
    settings.write_text(yaml.safe_dump({"config": {**shipped["config"], "aws:region": region}}))

    with pytest.raises(CommandError) as refused:
        _ = configuration("dev", settings).sound

    assert OTHERS[region] in refused.value.what
    assert refused.value.fix == "pulumi config set aws:region eu-central-1 --stack dev"


def test_a_region_that_boto3_does_not_know_yet_may_be_used():
    assert partition_of("moon-1") == partition_of("eu-central-1") == PARTITION


@pytest.mark.parametrize("folder", ["components", "domain", "handlers", "ops", "packs", "scan"])
def test_only_one_module_writes_the_partition_or_the_consoles_address(folder: str):
    literal = [
        f"{path.relative_to(PROGRAM)}:{number}"
        for path in sorted((PROGRAM / folder).rglob("*.py"))
        if path.name != "partition.py"
        for number, line in enumerate(path.read_text().splitlines(), 1)
        if WRITTEN.search(line)
    ]

    assert literal == []
    assert WRITTEN.search('"arn:aws:iam::aws:policy"')
    assert WRITTEN.search(console("eu-central-1"))
