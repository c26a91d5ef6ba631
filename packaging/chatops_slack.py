"""Quality gates for uploads, decided in Slack: the component ``UploadGate`` for Pulumi programs.

The command ``chatops`` is in the same package and needs no Pulumi, so this imports it when asked.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from components.build_network import Network
    from components.buttons import SCAN_AGAIN_BUTTON, TeamButton
    from components.scan_project import Scanners, SonarQube, Vpc
    from components.upload_gate import UploadGate, UploadGateArgs

__all__ = [
    "SCAN_AGAIN_BUTTON",
    "Network",
    "Scanners",
    "SonarQube",
    "TeamButton",
    "UploadGate",
    "UploadGateArgs",
    "Vpc",
]
_MODULES = {
    "SCAN_AGAIN_BUTTON": "buttons",
    "Network": "build_network",
    "Scanners": "scan_project",
    "SonarQube": "scan_project",
    "TeamButton": "buttons",
    "UploadGate": "upload_gate",
    "UploadGateArgs": "upload_gate",
    "Vpc": "scan_project",
}


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__} has no attribute {name}")
    try:
        return getattr(import_module(f"{__name__}.components.{_MODULES[name]}"), name)
    except ModuleNotFoundError as error:
        if error.name not in ("pulumi", "pulumi_aws"):
            raise
        raise ImportError(f"{name} needs Pulumi: pip install 'chatops-slack[pulumi]'") from error
