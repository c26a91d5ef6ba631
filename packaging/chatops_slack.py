"""Quality gates for uploads, decided in Slack: the component ``UploadGate`` for Pulumi programs."""

from components.build_network import Network
from components.buttons import SCAN_AGAIN_BUTTON, TeamButton
from components.scan_project import Sarif, SonarQube, Vpc
from components.upload_gate import UploadGate, UploadGateArgs

__all__ = [
    "SCAN_AGAIN_BUTTON",
    "Network",
    "Sarif",
    "SonarQube",
    "TeamButton",
    "UploadGate",
    "UploadGateArgs",
    "Vpc",
]
