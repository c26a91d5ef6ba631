"""Virtual time: actors that take turns, in an order that one seed decides.

An actor is a greenlet. It runs until it sleeps or waits, so nothing happens at the same time, and
whatever happens at the same moment happens in an order drawn from the seed. There are no threads
and there is no real clock: the same seed gives the same run.
"""

import heapq
import random
from collections.abc import Callable
from typing import Any

from greenlet import getcurrent, greenlet


class Killed(BaseException):
    """Raised inside an actor whose process dies; no handler of errors catches it."""


class TimedOut(Killed):
    """The actor's time was over before it was done."""


class NotSimulated(BaseException):
    """The code asks for something that the simulator does not know: fix the simulator."""


class Future:
    """A result that comes later, once; anyone who waits is resumed."""

    def __init__(self) -> None:
        self.done = False
        self.value: Any = None
        self.waiters: list[Callable[[], None]] = []

    def set(self, value: Any) -> bool:
        """Return whether this was the first value, which is the one that counts."""
        if self.done:
            return False
        self.done, self.value = True, value
        for resume in self.waiters:
            resume()
        self.waiters.clear()
        return True


class Actor(greenlet):
    """``skew`` is how many seconds its clock is ahead; ``began`` when it was started."""

    def __init__(self, scheduler: "Scheduler", name: str, work: Callable[[], Any]) -> None:
        super().__init__(self._live, scheduler.hub)
        self.scheduler, self.name, self.work = scheduler, name, work
        self.skew = 0.0
        self.began = scheduler.now
        self.ended = Future()
        # When the call that it makes was made.
        self.call_began = 0.0
        # The last fault that it met (trace.Faulted).
        self.faulted: Any = None
        self.ticket = 0

    def _live(self) -> None:
        try:
            self.ended.set(("done", self.work()))
        except Killed as killed:
            self.ended.set(("killed", killed))
        except Exception as error:
            self.ended.set(("failed", error))


class Scheduler:
    """``now`` is the virtual time in seconds; ``random`` the only source of chance."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.now = 0.0
        self.hub = getcurrent()
        self._heap: list[tuple[float, float, int, Callable[..., Any], tuple[Any, ...]]] = []
        self._count = 0

    def at(self, when: float, call: Callable[..., Any], *arguments: Any) -> None:
        """Make ``call`` at the moment ``when``, in the hub: it must not sleep."""
        self._count += 1
        item = (max(when, self.now), self.random.random(), self._count, call, arguments)
        heapq.heappush(self._heap, item)

    def spawn(
        self,
        name: str,
        work: Callable[[], Any],
        *,
        delay: float = 0.0,
        skew: float = 0.0,
        seconds: float | None = None,
    ) -> Actor:
        """Start an actor after ``delay``; it dies ``seconds`` later where it is not done."""
        actor = Actor(self, name, work)
        actor.skew, actor.began = skew, self.now + delay
        self.at(self.now + delay, self._resume, actor, 0)
        if seconds is not None:
            self.at(self.now + delay + seconds, self.kill, actor, TimedOut())
        return actor

    def kill(self, actor: Actor, how: Killed) -> None:
        """Raise ``how`` in a sleeping actor; called from the hub."""
        if actor.dead or not actor:  # over, or not begun
            return
        actor.ticket += 1
        actor.throw(how)

    def sleep(self, seconds: float) -> None:
        """Let the current actor sleep, and others go on."""
        actor = getcurrent()
        assert isinstance(actor, Actor), "only an actor may sleep"
        actor.ticket += 1
        self.at(self.now + seconds, self._resume, actor, actor.ticket)
        self.hub.switch()

    def wait(self, future: Future, seconds: float | None = None) -> bool:
        """Wait until ``future`` has a value, at most ``seconds``; return whether it has."""
        if future.done:
            return True
        actor = getcurrent()
        assert isinstance(actor, Actor), "only an actor may wait"
        actor.ticket += 1
        ticket = actor.ticket
        future.waiters.append(lambda: self.at(self.now, self._resume, actor, ticket))
        if seconds is not None:
            self.at(self.now + seconds, self._resume, actor, ticket)
        self.hub.switch()
        return future.done

    def run(self, events: int = 200_000) -> None:
        """Run until nothing is left to do; more than ``events`` is a loop without end."""
        assert getcurrent() is self.hub, "a scheduler runs where it was made"
        while self._heap:
            events -= 1
            if not events:
                raise NotSimulated(f"no end in sight at {self.now:.0f} s")
            self.now, _, _, call, arguments = heapq.heappop(self._heap)
            call(*arguments)

    def _resume(self, actor: Actor, ticket: int) -> None:
        # Anyone who was resumed or killed in the meantime sleeps for another reason, or not at all.
        if actor.ticket == ticket and not actor.dead:
            actor.switch()


def current() -> Actor:
    """The actor that runs right now."""
    actor = getcurrent()
    assert isinstance(actor, Actor), "no actor runs"
    return actor
