"""Each statement and each condition of the policies, removed: do the calls and attacks notice?"""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from local.permissions.engine import Engine, Request
from tests.permissions.attacks import Attempt
from tests.permissions.recorded import Recorded
from tests.permissions.rights import owners_of

Document = Mapping[str, Any]
# A policy must have a statement: this one allows nothing that anybody here calls.
NOTHING = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Action": "sts:GetCallerIdentity", "Resource": "*"}],
}


class Mutation(NamedTuple):
    """A policy without a statement, or without a condition; ``what`` says which."""

    owner: str
    policy: str
    what: str
    document: Document

    def __str__(self) -> str:
        return f"{self.owner}: {self.what}"


def mutations(policies: Mapping[tuple[str, str], Document]) -> Iterator[Mutation]:
    """Each policy without each of its statements, and without each of its conditions."""
    for (owner, policy), document in policies.items():
        statements = document["Statement"]
        for number, statement in enumerate(statements):
            sid = statement.get("Sid", str(number + 1))
            rest = [*statements[:number], *statements[number + 1 :]]
            without = {**document, "Statement": rest} if rest else NOTHING
            yield Mutation(owner, policy, f"statement {sid}", without)
            for operator, keys in statement.get("Condition", {}).items():
                for key in keys:
                    looser = json.loads(json.dumps(document))
                    conditions = looser["Statement"][number]["Condition"]
                    del conditions[operator][key]
                    looser["Statement"][number]["Condition"] = {
                        name: left for name, left in conditions.items() if left
                    }
                    yield Mutation(owner, policy, f"condition {key} of {sid}", looser)


def unnoticed(
    recorded: Recorded, attempts: Sequence[Attempt], engine: Engine
) -> tuple[int, list[Mutation]]:
    """How many mutations there are, and those that change no result of a call or an attack."""
    expected = [
        *((call.request, True) for call in recorded.calls),
        *((attempt.request, False) for attempt in attempts),
    ]
    count, survivors = 0, []
    for mutation in mutations(recorded.policies):
        count += 1
        changed = [
            (mutated, allowed)
            for request, allowed in expected
            if (mutated := _mutated(request, mutation))
        ]
        decisions = engine.decide([request for request, _ in changed])
        if all(
            decision.allowed == allowed
            for decision, (_, allowed) in zip(decisions, changed, strict=True)
        ):
            survivors.append(mutation)
    return count, survivors


def _mutated(request: Request, mutation: Mutation) -> Request | None:
    """The request under the mutated policy; None if that policy is not asked."""
    role, resource = owners_of(request)
    if mutation.policy == "resource":
        if resource != mutation.owner or not request.resource_policy:
            return None
        return request._replace(resource_policy=mutation.document)
    if role != mutation.owner:
        return None
    for kind in ("identity", "boundaries"):
        held = getattr(request, kind)
        if mutation.policy in held:
            return request._replace(**{kind: {**held, mutation.policy: mutation.document}})
    return None
