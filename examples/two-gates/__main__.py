"""Two gates in one stack: SonarQube for payments, Bandit for tools."""

import pulumi
from chatops_slack import Scanners, SonarQube, UploadGate, UploadGateArgs

payments = UploadGate(
    "payments",
    UploadGateArgs(
        slack_workspace_id="T0000000000",
        slack_channel_id="C0000000000",
        sender="security@example.com",
        recipients=["payments@example.com"],
        scanners=Scanners(
            names=["sonarqube"],
            sonarqube=SonarQube(
                host_url="https://sonarqube.example.com",
                token=pulumi.Config().require_secret("sonarToken"),
            ),
        ),
    ),
)
tools = UploadGate(
    "tools",
    UploadGateArgs(
        slack_workspace_id="T0000000000",
        slack_channel_id="C0000000001",
        sender="security@example.com",
        # The other gate has it: an identity exists once in an account.
        create_email_identity=False,
        recipients=["tools@example.com"],
        scanners=Scanners(names=["bandit", "ruff"]),
        tags={"team": "tools"},
    ),
)

pulumi.export("payments", payments.outputs)
pulumi.export("tools", tools.outputs)
