"""Virtual time: actors that take turns, in an order that the seed decides.

An actor is a greenlet. It runs until it sleeps or waits, so no two run at once; actors that are
due at the same time run in an order drawn from the seed. There are no threads and no real clock:
the same seed gives the same run.
"""

import heapq
import random
from collections.abc import Callable
from typing import Any

from greenlet import getcurrent, greenlet


class Killed(BaseException):
    """Raised inside an actor whose process crashes; ``except Exception`` does not catch it."""


class TimedOut(Killed):
    """The actor exceeded its timeout."""


class NotSimulated(BaseException):
    """The code uses something that the simulator does not support: extend the simulator."""


class Future:
    """A result that is set later, once; all actors that wait for it are resumed."""

    def __init__(self) -> None:
        self.done = False
        self.value: Any = None
        self.waiters: list[Callable[[], None]] = []

    def set(self, value: Any) -> bool:
        """Set the value if there is none yet; return whether this call set it."""
        if self.done:
            return False
        self.done, self.value = True, value
        for resume in self.waiters:
            resume()
        self.waiters.clear()
        return True


class Actor(greenlet):
    """``skew`` is how many seconds its clock is ahead; ``began`` is when it was started.

    An exception that ``handled`` does not include ends the run: nobody would look at it.
    """

    def __init__(
        self,
        scheduler: "Scheduler",
        name: str,
        work: Callable[[], Any],
        handled: tuple[type[Exception], ...] = (),
    ) -> None:
        super().__init__(self._live, scheduler.hub)
        self.scheduler, self.name, self.work = scheduler, name, work
        self.handled = handled
        self.skew = 0.0
        self.began = scheduler.now
        self.ended = Future()
        # When its current call was made.
        self.call_began = 0.0
        # The last fault that it met (trace.Faulted).
        self.faulted: Any = None
        self.ticket = 0

    def _live(self) -> None:
        try:
            self.ended.set(("done", self.work()))
        except Killed as killed:
            self.ended.set(("killed", killed))
        except self.handled as error:
            self.ended.set(("failed", error))


class Scheduler:
    """``now`` is the virtual time in seconds; ``random`` is the only source of randomness."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.now = 0.0
        self.hub = getcurrent()
        self._heap: list[tuple[float, float, int, Callable[..., Any], tuple[Any, ...]]] = []
        self._count = 0

    def at(self, when: float, call: Callable[..., Any], *arguments: Any) -> None:
        """Call ``call`` at the time ``when``, in the hub: it must not sleep."""
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
        handled: tuple[type[Exception], ...] = (),
    ) -> Actor:
        """Start an actor after ``delay``; it is killed if not done ``seconds`` later.

        ``handled`` are the exceptions that those who wait for its end deal with.
        """
        actor = Actor(self, name, work, handled)
        actor.skew, actor.began = skew, self.now + delay
        self.at(self.now + delay, self._resume, actor, 0)
        if seconds is not None:
            self.at(self.now + delay + seconds, self.kill, actor, TimedOut())
        return actor

    def kill(self, actor: Actor, how: Killed) -> None:
        """Raise ``how`` in a sleeping actor; called from the hub."""
        if actor.dead or not actor:  # over, or not started
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
        """Wait until ``future`` has a value, at most ``seconds``; return whether it has one."""
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
        """Run until nothing is left to do; more than ``events`` events are an endless loop."""
        assert getcurrent() is self.hub, "a scheduler runs where it was made"
        while self._heap:
            events -= 1
            if not events:
                raise NotSimulated(f"no end in sight at {self.now:.0f} s")
            self.now, _, _, call, arguments = heapq.heappop(self._heap)
            call(*arguments)

    def _resume(self, actor: Actor, ticket: int) -> None:
        # An actor that was resumed or killed meanwhile sleeps for another reason, or not at all.
        if actor.ticket == ticket and not actor.dead:
            actor.switch()


def current() -> Actor:
    """The actor that runs right now."""
    actor = getcurrent()
    assert isinstance(actor, Actor), "no actor runs"
    return actor
