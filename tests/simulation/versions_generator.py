"""Scenarios of one app over several versions: exceptions that cover findings, are extended or end.

They vary who uploads and who decides, and are concentrated around the scan of the next version.
"""

from random import Random
from typing import Any

from tests.simulation import fault_plans
from tests.simulation.aws import findings
from tests.simulation.people import PEOPLE
from tests.simulation.points import DAY, HOUR, point
from tests.simulation.trace import Settings

KEYS = ("payments/api.zip", "payments/api.zip", "payments/web.zip")
WORDS = ("a", "a", "a", "b", "c", "m", "n", "z", "x", "y")
FORMS = ("", "", "", "+", ">", ">+")
DAYS = ("", "1h", "1h", "2h", "1d", "4d", "14d", "2m", "60")


def generate(seed: int, *, faults: bool, approver: bool) -> dict[str, Any]:
    """Return the scenario of a seed, with or without faults and the approver's name."""
    return _Generator(seed, faults, approver).scenario()


class _Generator:
    def __init__(self, seed: int, faults: bool, approver: bool) -> None:
        self.seed, self.with_faults, self.approver = seed, faults, approver
        self.random = Random(f"versions {seed} {faults} {approver}")
        self.settings = self._settings()
        self.uploads: list[dict[str, Any]] = []
        self.actions: list[dict[str, Any]] = []

    def scenario(self) -> dict[str, Any]:
        """Return the scenario as plain data."""
        draw = self.random
        count = draw.choices((2, 3, 4, 5), (35, 40, 15, 10))[0]
        for number in range(count):
            self._upload(number)
        for number in range(count):
            self._decide(number)
            self._end(number)
        for _ in range(draw.choices((0, 1, 2), (40, 40, 20))[0]):
            self.actions.append({"do": "verify", "when": self._somewhere()})
        return {
            "seed": self.seed,
            "skew": 3.0 if draw.random() < 0.5 else 0.0,
            "settings": vars(self.settings).copy(),
            "uploads": self.uploads,
            "actions": self.actions,
            "faults": (
                fault_plans.faults(draw, self.uploads, fault_plans.OF_EXCEPTIONS)
                if self.with_faults
                else []
            ),
            "outages": fault_plans.outages(draw, count) if self.with_faults else [],
        }

    def _settings(self) -> Settings:
        draw = self.random
        self_approval = draw.choice(("allow", "warn", "refuse", "refuse"))
        return Settings(
            decide=draw.choice((DAY, 3 * DAY)),
            escalate=draw.choice((0, 12 * HOUR)),
            exception=30 * DAY,
            longest=90 * DAY,
            remind=draw.choice((0, DAY, 3 * DAY, HOUR // 2)),
            approver_seconds=30 if self.approver else 0,
            failure_emails=draw.random() < 0.5,
            covers="findings" if draw.random() < 0.8 else "version",
            # Nobody knows who clicked without the audit log, so the program refuses these then.
            self_approval=self_approval if self.approver else "warn",
            approvals=2 if self.approver and draw.random() < 0.5 else 1,
        )

    def _upload(self, number: int) -> None:
        draw = self.random
        events = [0.3 + 2 * draw.random()]
        if draw.random() < 0.15:
            events.append(events[0] + draw.choice((0.1, 5, 60)) * draw.random())
        scan = self._scan(self.uploads[-1]["scans"][0] if number else None)
        upload = {
            "key": draw.choice(KEYS),
            "when": self._later(number) if number else {"after": "start", "plus": 0.0},
            "scans": [scan, self._scan(scan)],
            "events": events,
        }
        if draw.random() < 0.9:
            upload["by"] = draw.choice(tuple(PEOPLE))
            late = draw.choices((2.0, 60.0, 900.0), (85, 10, 5))[0]
            if draw.random() < 0.95:
                upload["recorded"] = round(0.3 + late * draw.random(), 2)
        self.uploads.append(upload)

    def _scan(self, before: dict[str, Any] | None) -> dict[str, Any]:
        draw = self.random
        scan = scan_after(draw, before)
        if draw.random() < 0.05:
            scan["gate"] = "error"
        if self.with_faults and draw.random() < 0.08:
            end = draw.choice(("crashes", "late report", "event lost"))
            scan |= {"end": end, "late": round(draw.choice((3, 6, 60)) * draw.random(), 2)}
        return scan

    def _later(self, number: int) -> dict[str, Any]:
        """When a further version is uploaded: often while an exception holds, or as it ends."""
        before = self.random.choice((0, 0, number - 1))
        return self._at(
            (f"tag {before} approved", HOUR), (f"tag {before} approved", HOUR),
            (f"tag {before} approved", 10), (f"card {before} 2", 30),
            (f"card {before} 2", 20), (f"stored {before} decision.json", 3),
            (f"approval end {before}", 60), (f"approval end {before}", 240),
            (f"reminder {before}", 60), (f"tag {before} withdrawn", 20),
            (f"stored {before} extensions/1.json", 20), (f"tag {before} passed", 60),
            (f"card {before} 1", HOUR), (f"stored {before} gate-result.json", 10),
        )  # fmt: skip

    def _decide(self, number: int) -> None:
        draw = self.random
        if draw.random() < (0.04 if number == 0 else 0.3):
            return
        when = self._at(
            (f"card {number} 1", 20), (f"card {number} 1", HOUR), (f"waiting {number} 1", 2),
            (f"card {number} 1", 300),
        )  # fmt: skip
        verb = "approve" if draw.random() < 0.92 else "reject"
        self._act(verb, number, when)
        for _ in range(draw.choices((0, 1, 2), (5, 55, 40) if self._is_quorum else (70, 25, 5))[0]):
            verb = "approve" if draw.random() < 0.85 else draw.choice(("reject", "withdraw"))
            plus = draw.choice((0.3, 3.0, 40.0, 900.0)) * draw.random()
            self._act(verb, number, {**when, "plus": round(when["plus"] + plus, 3)})

    @property
    def _is_quorum(self) -> bool:
        return self.settings.approvals > 1

    def _end(self, number: int) -> None:
        """Extensions and withdrawals of an exception, around the scan of a later version."""
        draw, later = self.random, number + 1
        scan = self.uploads[min(later, len(self.uploads) - 1)]["scans"][0]
        during = (
            (f"execution {later}", scan["seconds"] + 20), (f"stored {later} report.json", 3),
            (f"stored {later} gate-result.json", 1), (f"stored {later} decision.json", 2),
            (f"tag {later} approved", 2), (f"card {later} 1", 5), (f"waiting {later} 1", 3),
        )  # fmt: skip
        own = (
            (f"card {number} 2", 30), (f"card {number} 2", HOUR), (f"reminder {number}", 5),
            (f"reminder {number}", 600), (f"approval end {number}", 5),
            (f"approval end {number}", 130), (f"tag {number} approved", 3),
            (f"stored {number} decision.json", 3),
        )  # fmt: skip
        if draw.random() < 0.5:
            when = self._at(*own, *during)
            self._act("extend", number, when)
            if draw.random() < 0.4:
                plus = draw.choice((0.0, 0.3, 3.0, 70.0)) * draw.random()
                self._act("extend", number, {**when, "plus": round(when["plus"] + plus, 3)})
            if draw.random() < 0.4:
                again = self._at(
                    (f"stored {number} extensions/1.json", 5), (f"extended end {number}", 70),
                    (f"extended end {number}", 130), (f"approval end {number}", 20),
                )  # fmt: skip
                self._act(draw.choice(("extend", "withdraw")), number, again)
        if draw.random() < 0.5:
            self._act("withdraw", number, self._at(*during, *during, *own))
        if draw.random() < 0.1:
            when = self._at((f"over {number}", 60), (f"card {number} 1", 60))
            self._act("scan again", number, when)
        if draw.random() < 0.04:
            self.actions.append(
                {"do": "delete", "of": number, "when": self._at((f"tag {number} approved", HOUR))}
            )

    def _act(self, verb: str, number: int, when: dict[str, Any]) -> None:
        draw = self.random
        by = draw.choice(tuple(PEOPLE))
        if draw.random() < 0.3:
            by = self.uploads[number].get("by", by)
        action: dict[str, Any] = {"do": verb, "of": number, "when": when, "by": by}
        if verb in ("approve", "extend"):
            action["days"] = draw.choice(DAYS)
        if draw.random() < 0.5:
            action["again"] = 2
        if draw.random() < 0.15:
            action["late"] = draw.choice((30.0, 400.0))
        if draw.random() < 0.1:
            action["reason"] = "The same reason"
        self.actions.append(action)

    def _at(self, *choices: tuple[str, float]) -> dict[str, Any]:
        """One of the points in time, shifted randomly by up to the seconds beside it."""
        return point(self.random, *self.random.choice(choices))

    def _somewhere(self) -> dict[str, Any]:
        number = self.random.randrange(len(self.uploads))
        return self._at(
            (f"card {number} 1", 30), (f"card {number} 2", 60), (f"over {number}", 400),
            (f"stored {number} decision.json", 400), (f"stored {number} withdrawal.json", 400),
            (f"stored {number} extensions/1.json", 400), (f"approval end {number}", 400),
            (f"tag {number} approved", 60),
        )  # fmt: skip


def scan_after(draw: Random, before: dict[str, Any] | None) -> dict[str, Any]:
    """Return a scan (builds.Scan) with the findings of the one ``before``, fewer or more."""
    words = list(before["findings"]) if before else []
    change = draw.choices(("none", "form", "less", "more", "both"), (40, 15, 15, 20, 10))[0]
    if not before or not words:
        words = ["a", *draw.sample(WORDS, draw.choice((0, 1, 2, 4)))]
    elif change == "form":
        place = draw.randrange(len(words))
        words[place] = words[place][0] + draw.choice(FORMS)
    elif change != "none":
        if change in ("less", "both"):
            words.pop(draw.randrange(len(words)))
        if change in ("more", "both"):
            words.append(draw.choice(WORDS))
    words = _consistent(words)
    scan: dict[str, Any] = {
        "seconds": round(draw.choice((5, 30, 200)) * draw.random(), 1),
        "findings": words,
        "limit": draw.choice((0, 0, 0, 0, 0, 1)),
        "covered": 0,
        "rating": 1,
    }
    if before["covered"] if before else draw.random() < 0.2:
        scan |= {"covered": draw.choice((60, 70, 70, 75, 90)), "rating": draw.choice((1, 1, 3))}
    if draw.random() < 0.03:
        scan["whole"] = False
    scan["gate"] = findings.gate(words, scan["limit"], scan["covered"], scan["rating"])["status"]
    return scan


def _consistent(words: list[str]) -> list[str]:
    """Return the words without those that contradict others: a file has one content."""
    contents: dict[str, str] = {}
    result = []
    for word in words:
        path = word.replace("+", "")
        if path in contents and word[0] in findings.UNSEEN:
            continue
        result.append(contents.setdefault(path, word))
    return result
