import zipfile

import pytest

from packs.store import Pack
from tests.support.recording import ACCOUNT, REGION, Built, program

ON_CALL = f"arn:aws:sns:{REGION}:{ACCOUNT}:on-call"
TICKET = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:open-ticket"


@pytest.fixture(autouse=True)
def packs(tmp_path, monkeypatch):
    """Empty packs for each scanner and platform, since `make setup` fetches those of the stacks."""
    path = tmp_path / "pack.zip"
    zipfile.ZipFile(path, "w").close()
    monkeypatch.setattr(Pack, "stored", lambda pack: path)


@pytest.fixture(scope="session")
def dev() -> Built:
    """The whole program with the settings of Pulumi.dev.yaml."""
    return program("dev")


@pytest.fixture(scope="session")
def prod() -> Built:
    """The whole program with the settings of Pulumi.prod.yaml."""
    return program("prod")


@pytest.fixture(scope="session")
def everything() -> Built:
    """The whole program with all that settings can add."""
    return program(
        "prod",
        vpcId="vpc-0a",
        vpcSubnets=["subnet-0a"],
        vpcSecurityGroups=["sg-0a"],
        recordApprover=True,
        approvalCovers="findings",
        selfApproval="refuse",
        escalationTopic=ON_CALL,
        evidenceLock="governance",
        customActions=[
            {"label": "Scan again", "outcomes": ["error"], "function": "scan-again"},
            {"label": "Open ticket", "outcomes": ["failed"], "function": TICKET},
        ],
    )
