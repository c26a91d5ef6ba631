"""Scenarios from seeds, concentrated around each card, response, tag and deadline."""

from random import Random
from typing import Any

from tests.simulation import fault_plans
from tests.simulation.points import DAY, HOUR, point
from tests.simulation.trace import Settings

KEYS = ("payments/api.zip", "payments/api.zip.old.zip", "web.zip")
# Keys whose first part cannot be an app's name.
NAMELESS = ("no app's name/api.zip", "_payments.zip", f"{65 * 'a'}/api.zip")
NAMELESS_SHARE = 0.02
MANY = tuple(f"app-{number}/api.zip" for number in range(6))


def generate(seed: int, *, faults: bool, approver: bool) -> dict[str, Any]:
    """Return the scenario of a seed, with or without faults and the approver's name."""
    return _Generator(seed, faults, approver).scenario()


class _Generator:
    def __init__(self, seed: int, faults: bool, approver: bool) -> None:
        self.seed, self.with_faults, self.approver = seed, faults, approver
        self.random = Random(f"{seed} {faults} {approver}")
        self.uploads: list[dict[str, Any]] = []
        self.actions: list[dict[str, Any]] = []

    def scenario(self) -> dict[str, Any]:
        """Return the scenario as plain data."""
        draw = self.random
        count = draw.choices((1, 2, 3, 4), (40, 38, 14, 8))[0]
        keys = [draw.choice(KEYS)] if draw.random() < 0.7 else draw.sample(KEYS, 2)
        if draw.random() < NAMELESS_SHARE:
            keys = [draw.choice(NAMELESS)]
        elif draw.random() < 0.02:
            # More cards at once than get threads of their own (digestAfter).
            count, keys = len(MANY), list(MANY)
        for number in range(count):
            self._upload(number, draw.choice(keys))
            self._people(number)
        for _ in range(draw.choices((0, 1, 2), (45, 40, 15))[0]):
            self.actions.append({"do": "verify", "when": self._somewhere()})
        return {
            "seed": self.seed,
            "skew": 3.0 if draw.random() < 0.5 else 0.0,
            "settings": self._settings(),
            "uploads": self.uploads,
            "actions": self.actions,
            "faults": fault_plans.faults(draw, self.uploads) if self.with_faults else [],
            "outages": fault_plans.outages(draw, len(self.uploads)) if self.with_faults else [],
        }

    def _settings(self) -> dict[str, int]:
        draw = self.random
        settings = Settings(
            decide=draw.choice((DAY, 3 * DAY)),
            escalate=draw.choice((0, 12 * HOUR)),
            exception=30 * DAY,
            longest=90 * DAY,
            remind=draw.choice((0, DAY, 3 * DAY)),
            approver_seconds=30 if self.approver else 0,
            failure_emails=self.seed % 2 == 1,
        )
        return vars(settings).copy()

    def _upload(self, number: int, key: str) -> None:
        draw = self.random
        events = [0.3 + 2 * draw.random()]
        if draw.random() < 0.25:
            events.append(events[0] + draw.choice((0.0, 0.1, 5, 60, HOUR)) * draw.random())
        if draw.random() < 0.05:
            events[0] += 60 * draw.random()
        gates = draw.choices(("failed", "passed", "error"), (76, 12, 12), k=3)
        self.uploads.append(
            {
                "key": key,
                "when": self._later(number) if number else {"after": "start", "plus": 0.0},
                "scans": [self._scan(gate) for gate in gates],
                "events": events,
            }
        )

    def _scan(self, gate: str) -> dict[str, Any]:
        draw = self.random
        scan: dict[str, Any] = {
            "gate": gate,
            "seconds": round(draw.choice((5, 30, 200)) * draw.random(), 1),
        }
        if self.with_faults and draw.random() < 0.12:
            end = draw.choice(("crashes", "late report", "late report", "event lost"))
            scan |= {"end": end, "late": round(draw.choice((3, 6, 6, 60)) * draw.random(), 2)}
        return scan

    def _later(self, number: int) -> dict[str, Any]:
        """When a further version is uploaded: often while an earlier one is being processed."""
        before = self.random.randrange(number)
        return self._at(
            (f"upload {before}", 2), (f"execution {before}", 3),
            (f"stored {before} report.json", 3), (f"stored {before} gate-result.json", 1),
            (f"card {before} 1", 3), (f"card {before} 1", HOUR), (f"card {before} 2", 20),
            (f"waiting {before} 1", 1), (f"stored {before} decision.json", 1),
            (f"request end {before}", 3), (f"approval end {before}", 5),
        )  # fmt: skip

    def _people(self, number: int) -> None:
        draw = self.random
        for _ in range(draw.choices((0, 1, 2), (18, 52, 30))[0]):
            self._decide(number)
        if draw.random() < 0.55:
            self._withdraw(number)
        if draw.random() < 0.2:
            self._withdraw(number)
        if draw.random() < 0.25:
            self._scan_again(number)
        if draw.random() < (0.12 if number else 0.04):
            self._delete(number)
        if draw.random() < 0.15:
            verb = draw.choice(("approve", "reject", "withdraw", "scan again"))
            self._act(verb, number, self._plus(f"over {number}", DAY * draw.choice((1, 30, 95))))

    def _decide(self, number: int) -> None:
        verb = self.random.choices(("approve", "reject"), (80, 20))[0]
        when = self._at(
            (f"card {number} 1", 1), (f"card {number} 1", 5), (f"card {number} 1", HOUR),
            (f"waiting {number} 1", 1), (f"waiting {number} 1", 2), (f"waiting {number} 2", 2),
            (f"escalation {number}", 4), (f"request end {number}", 4), (f"card {number} 2", 5),
            (f"upload {number + 1}", 5),
        )  # fmt: skip
        self._act(verb, number, when, twice=0.25)

    def _withdraw(self, number: int) -> None:
        decided = max(0, len(self.actions) - 1)
        when = self._at(
            (f"answer {decided}", 1), (f"answer {decided}", 30), (f"click {decided}", 2),
            (f"stored {number} decision.json", 2), (f"tag {number} approved", 2),
            (f"mail {number} 1", 2), (f"card {number} 2", 5), (f"card {number} 2", HOUR),
            (f"reminder {number}", 4), (f"approval end {number}", 4), (f"waiting {number} 3", 3),
        )  # fmt: skip
        self._act("withdraw", number, when, twice=0.2)

    def _scan_again(self, number: int) -> None:
        draw = self.random
        attempt = draw.choice((1, 1, 1, 2))
        of = number if attempt == 1 else f"{number}.2"
        when = self._at(
            (f"over {of}", 60), (f"over {of}", 2), (f"card {of} 1", 2), (f"card {of} 2", 10),
            (f"over {number}", 5 * DAY),
        )  # fmt: skip
        self._act("scan again", number, when, attempt=attempt, twice=0.25)
        if draw.random() < 0.5:
            # What follows the second attempt, and a click on an old card much later.
            again = f"{number}.2"
            self._act("approve", number, self._plus(f"card {again} 1", 5), attempt=2)
            if draw.random() < 0.5:
                self._act("withdraw", number, self._plus(f"card {again} 2", 5), attempt=2)
            late = draw.choice((f"over {again}", f"over {number}"))
            days = draw.choice((0, 1, 91, 95))
            self._act("scan again", number, {"after": late, "plus": days * DAY + 60.0})
            if draw.random() < 0.5:
                self._act("approve", number, self._plus(f"card {again} 4", 60), attempt=2)

    def _delete(self, number: int) -> None:
        when = self._at(
            (f"execution {number}", 2), (f"stored {number} report.json", 2),
            (f"waiting {number} 1", 30), (f"card {number} 1", 2), (f"over {number}", HOUR),
            (f"upload {number}", 2), (f"tag {number} approved", HOUR),
        )  # fmt: skip
        self._act("delete", number, when)

    def _act(
        self, verb: str, number: int, when: dict[str, Any], attempt: int = 1, twice: float = 0.0
    ) -> None:
        draw = self.random
        action: dict[str, Any] = {"do": verb, "of": number, "when": when}
        if attempt > 1:
            action["attempt"] = attempt
        if verb == "approve":
            action["days"] = draw.choice(("", "1h", "2h", "1d", "4d", "14d", "60", "1m", "1s"))
        if draw.random() < 0.5:
            action["again"] = 2
        self.actions.append(action)
        if draw.random() < twice:
            other = (
                draw.choice((verb, verb, "reject", "withdraw")) if verb != "scan again" else verb
            )
            plus = when["plus"] + draw.choice((0.0, 0.3, 3.0)) * draw.random()
            self._act(other, number, {**when, "plus": plus}, attempt)

    def _at(self, *choices: tuple[str, float]) -> dict[str, Any]:
        """One of the points in time, shifted randomly by up to the seconds beside it."""
        return self._plus(*self.random.choice(choices))

    def _plus(self, timestamp: str, spread: float) -> dict[str, Any]:
        return point(self.random, timestamp, spread)

    def _somewhere(self) -> dict[str, Any]:
        number = self.random.randrange(len(self.uploads))
        return self._at(
            (f"card {number} 1", 30), (f"card {number} 2", 30), (f"card {number} 3", 30),
            (f"stored {number} gate-result.json", 2), (f"stored {number} decision.json", 400),
            (f"stored {number} withdrawal.json", 400), (f"approval end {number}", 400),
            (f"request end {number}", 400), (f"over {number}", 400), (f"over {number}.2", 400),
            (f"stored {number}.2 gate-result.json", 3), (f"stored {number}.2 scan.json", 3),
            # A document written by a clock that is ahead is in the future for ``verify``.
            (f"tag {number} failed", 2), (f"tag {number} approved", 2),
        )  # fmt: skip
