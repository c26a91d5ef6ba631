"""IAM's evaluation of a request, in a process of its own: iam-simulate on Node.js.

iam-simulate (AGPL) is a tool for development: it runs as another program, and nothing of it is part
of what is deployed or packaged. docs/permissions.md says why this one.
"""

import json
import shutil
import subprocess
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple, Self

Policy = Mapping[str, Any]
# Where the packages are: a program that is given as text finds those of its working directory.
NODE = Path(__file__).parent.parent.parent / "node"
PROGRAM = Path(__file__).parent / "engine.mjs"


class EngineError(Exception):
    """The engine did not accept a request, or ended."""


class Request(NamedTuple):
    """One request as IAM sees it.

    ``principal`` is the ARN of a role's session or of a user, or the name of a service.
    ``identity`` are the principal's policies by name, ``resource_policy`` that of what is called
    (for ``sts:AssumeRole`` the trust policy), ``boundaries`` further policies that must allow it.
    """

    principal: str
    action: str
    resource: str
    account: str
    context: Mapping[str, str | list[str]]
    identity: Mapping[str, Policy] = {}
    resource_policy: Policy | None = None
    boundaries: Mapping[str, Policy] = {}


class Decision(NamedTuple):
    """Whether a request is allowed, and the statements that matched it: allows and denies.

    A statement is (policy, its Sid or number from 1, Allow or Deny); the policy is the name of an
    identity policy or boundary, or ``resource``.
    """

    allowed: bool
    explicit: bool
    statements: tuple[tuple[str, str, str], ...]


def installed() -> bool:
    """Whether Node.js and the engine's package are here (``make setup`` installs it with npm)."""
    return bool(shutil.which("node")) and (NODE / "node_modules/@cloud-copilot").is_dir()


class Engine:
    """Evaluates requests until it is closed; can be shared by threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._process = subprocess.Popen(
            ["node", "--input-type=module", "--eval", PROGRAM.read_text(encoding="utf-8")],
            cwd=NODE,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def decide(self, requests: Sequence[Request]) -> list[Decision]:
        """Evaluate each request by itself.

        Raises:
            EngineError: a policy, action, resource or principal is invalid, or the engine ended.
        """
        assert self._process.stdin
        assert self._process.stdout
        with self._lock:
            self._process.stdin.write(json.dumps([_simulation(item) for item in requests]) + "\n")
            self._process.stdin.flush()
            line = self._process.stdout.readline()
        if not line:
            raise EngineError(f"the engine ended with exit code {self._process.wait()}")
        decisions = []
        for request, answer in zip(requests, json.loads(line), strict=True):
            if "error" in answer:
                raise EngineError(
                    f"{request.principal} {request.action} {request.resource}: {answer['error']}"
                )
            decisions.append(
                Decision(
                    allowed=answer["result"] == "Allowed",
                    explicit=answer["result"] == "ExplicitlyDenied",
                    statements=tuple(
                        (item["policy"], item["statement"], item["effect"])
                        for item in answer["statements"]
                    ),
                )
            )
        return decisions

    def close(self) -> None:
        """End the process."""
        self._process.kill()
        with self._process:  # closes its pipes
            pass


def _simulation(request: Request) -> dict[str, Any]:
    return {
        "request": {
            "principal": request.principal,
            "action": request.action,
            "resource": {"resource": request.resource, "accountId": request.account},
            "contextVariables": request.context,
        },
        "identityPolicies": _named(request.identity),
        "serviceControlPolicies": [],
        "resourceControlPolicies": [],
        **({"resourcePolicy": request.resource_policy} if request.resource_policy else {}),
        **(
            {"permissionBoundaryPolicies": _named(request.boundaries)} if request.boundaries else {}
        ),
    }


def _named(policies: Mapping[str, Policy]) -> list[dict[str, Any]]:
    return [{"name": name, "policy": policy} for name, policy in policies.items()]
