"""One scenario as plain data, and its run: ``run(scenario)`` returns the trace.

A scenario is JSON: ``seed`` of the scheduler, ``skew`` of clocks in seconds, ``settings``
(trace.Settings), ``uploads``, ``actions``, ``faults`` (faults.Plan) and ``outages``. Each upload,
action and outage has a ``when``: ``{after: anchor, plus: seconds}`` (see ``anchors``).
"""

from collections.abc import Mapping
from typing import Any

from tests.simulation import users
from tests.simulation import without as fixes
from tests.simulation.anchors import Anchors
from tests.simulation.aws import account
from tests.simulation.aws.builds import Scan
from tests.simulation.aws.faults import Faults, Outage, Plan
from tests.simulation.aws.functions import configured, virtual
from tests.simulation.aws.scheduler import Scheduler
from tests.simulation.trace import Event, Faulted, Settings, Trace

Scenario = Mapping[str, Any]


class _Events(list[Event]):
    """The events of a trace; each is passed on to ``anchors``."""

    def __init__(self, anchors: Anchors) -> None:
        super().__init__()
        self._anchors = anchors

    def append(self, event: Event) -> None:
        super().append(event)
        self._anchors.see(event)


class _Run:
    """Schedules the parts of a scenario, then lets time pass."""

    def __init__(
        self, scenario: Scenario, without: str, definition: Mapping[str, Any] | None
    ) -> None:
        self.scenario = scenario
        self.scheduler = Scheduler(scenario["seed"])
        settings = Settings(**scenario["settings"])
        self.anchors = Anchors(settings)
        self.trace = Trace(settings, _Events(self.anchors))
        self.faults = Faults(
            [Plan(**fault) for fault in scenario["faults"]],
            self.scheduler.random,
            self.trace.events,
            jitter=scenario.get("jitter", True),
        )
        self.account = account.build(
            self.scheduler,
            self.faults,
            self.trace,
            scenario["skew"],
            self._scan,
            without,
            definition,
        )
        used = definition or account.pipeline(settings, without)
        payload = used["States"]["CheckBuildStatus"]["Arguments"]["Payload"]
        self.trace.is_current = "covers" in payload
        # By the number of the upload: key and version.
        self.uploaded: dict[int, tuple[str, str]] = {}

    def run(self) -> Trace:
        """Return the trace, once nothing is left to do."""
        with virtual(self.account.network, self.account.services, self.account.functions) as client:
            self.people = users.Users(self.account, client)
            for number, upload in enumerate(self.scenario["uploads"]):
                self._tie(upload["when"], self._upload, number, upload)
            for number, action in enumerate(self.scenario["actions"]):
                self._tie(action["when"], self._act, number, action)
            for outage in self.scenario["outages"]:
                self._tie(outage["when"], self._break, outage)
            self.anchors.fire("start", 0.0)
            self.scheduler.run()
        self.trace.ended = self.scheduler.now
        return self.trace

    def _tie(self, when: Mapping[str, Any], call: Any, *arguments: Any) -> None:
        def due(at: float) -> None:
            self.scheduler.at(at + when["plus"], call, *arguments)

        self.anchors.tie(when["after"], due)

    def _upload(self, number: int, upload: Mapping[str, Any]) -> None:
        key, gate = upload["key"], upload["scans"][0]["gate"]
        version = self.people.upload(key, gate, upload)
        self.uploaded[number] = (key, version)
        self.anchors.upload(number, key, version)
        self.anchors.fire(f"upload {number}", self.scheduler.now)

    def _act(self, number: int, action: Mapping[str, Any]) -> None:
        if action["do"] == "verify":
            self.scheduler.spawn("ops", self.people.verify)
            return
        if action.get("of") not in self.uploaded:
            return
        key, version = self.uploaded[action["of"]]
        if action["do"] == "delete":
            self.people.delete(key, version)
            return
        attempt = action.get("attempt", 1)
        app = self.anchors.app(action["of"]) or key.partition("/")[0].removesuffix(".zip")
        scan = f"{app}/{version}" + (f".{attempt}" if attempt > 1 else "")
        function, payload = users.payload(action, scan)

        def click() -> None:
            self.anchors.fire(f"click {number}", self.scheduler.now)
            self.people.click(function, payload, action)
            self.anchors.fire(f"answer {number}", self.scheduler.now)

        self.scheduler.spawn("Slack channel", click)

    def _break(self, outage: Mapping[str, Any]) -> None:
        now = self.scheduler.now
        until = now + outage["seconds"]
        where = f"{outage['service']} {outage.get('bucket', '')}".strip()
        self.faults.outages.append(
            Outage(outage["service"], now, until, outage.get("bucket", ""), outage.get("what", ""))
        )
        self.trace.events.append(
            Faulted(at=now, until=until, caller="", call=where, fault="outage")
        )

    def _scan(self, scan: str) -> Scan:
        """How a scan goes; attempts beyond the specified ones go like the last of these."""
        version, _, attempt = scan.partition("/")[2].partition(".")
        for number, (_, known) in self.uploaded.items():
            if known == version:
                scans = self.scenario["uploads"][number]["scans"]
                return Scan(**scans[min(int(attempt or 1), len(scans)) - 1])
        raise AssertionError(f"no upload is scanned as {scan}")


def run(
    scenario: Scenario, without: str = "", definition: Mapping[str, Any] | None = None
) -> Trace:
    """Run a scenario; the same scenario gives the same trace.

    ``without`` names a fix to remove (without.FIXES); ``definition`` is an older one, if any.
    """
    with fixes.without(without), configured(Settings(**scenario["settings"])):
        return _Run(scenario, without, definition).run()
