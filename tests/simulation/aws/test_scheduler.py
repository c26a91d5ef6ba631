"""Virtual time: order, killing and waiting."""

import pytest

from tests.simulation.aws.scheduler import Future, Killed, NotSimulated, Scheduler, current


def test_actors_resume_in_the_order_of_their_time():
    scheduler, seen = Scheduler(1), []

    def sleeps(seconds: float) -> None:
        scheduler.sleep(seconds)
        seen.append((seconds, scheduler.now))

    for seconds in (3.0, 1.0, 2.0):
        scheduler.spawn("actor", lambda seconds=seconds: sleeps(seconds))
    scheduler.run()

    assert seen == [(1.0, 1.0), (2.0, 2.0), (3.0, 3.0)]


def test_the_seed_orders_actors_of_the_same_time():
    def order(seed: int) -> str:
        scheduler, seen = Scheduler(seed), []
        for name in "abc":
            scheduler.spawn(name, lambda: seen.append(current().name))
        scheduler.run()
        return "".join(seen)

    orders = [order(seed) for seed in range(50)]

    assert orders == [order(seed) for seed in range(50)]
    assert len(set(orders)) == 6


def test_a_killed_actor_runs_no_more_code_not_even_error_handlers():
    scheduler, seen = Scheduler(1), []

    def work() -> None:
        try:
            scheduler.sleep(10)
            seen.append("after its end")
        except Exception:
            seen.append("handled")

    actor = scheduler.spawn("actor", work, seconds=5)
    scheduler.run()

    assert seen == []
    assert actor.ended.value[0] == "killed"


def test_an_actor_that_ends_in_time_is_not_killed():
    scheduler = Scheduler(1)
    actor = scheduler.spawn("actor", lambda: scheduler.sleep(4), seconds=5)

    scheduler.run()

    assert actor.ended.value == ("done", None)


def test_a_killed_actor_is_not_resumed_by_what_it_waited_for():
    scheduler, future = Scheduler(1), Future()
    actor = scheduler.spawn("actor", lambda: scheduler.wait(future))
    scheduler.at(1, scheduler.kill, actor, Killed())
    scheduler.at(2, future.set, "late")

    scheduler.run()

    assert actor.ended.value[0] == "killed"


def test_waiting_ends_with_the_value_or_the_timeout():
    scheduler, seen = Scheduler(1), []
    future = Future()

    def waits(seconds: float) -> None:
        seen.append((scheduler.wait(future, seconds), scheduler.now))

    scheduler.spawn("patient", lambda: waits(10))
    scheduler.spawn("without_retries", lambda: waits(2))
    scheduler.at(3, future.set, "value")
    scheduler.run()

    assert seen == [(False, 2.0), (True, 3.0)]


def test_a_future_keeps_its_first_value():
    future = Future()

    assert (future.set(1), future.set(2), future.value) == (True, False, 1)


def test_a_loop_without_end_is_refused():
    scheduler = Scheduler(1)

    def forever() -> None:
        while True:
            scheduler.sleep(1)

    scheduler.spawn("actor", forever)

    with pytest.raises(NotSimulated, match="no end in sight"):
        scheduler.run(events=100)


def test_an_exception_ends_the_run_unless_the_actor_s_caller_handles_it():
    def work() -> None:
        raise KeyError("scan")

    handled = Scheduler(1)
    actor = handled.spawn("actor", work, handled=(KeyError,))
    handled.run()
    unhandled = Scheduler(1)
    unhandled.spawn("actor", work, handled=(OSError,))

    assert actor.ended.value[0] == "failed"
    with pytest.raises(KeyError, match="scan"):
        unhandled.run()


def test_a_missing_feature_of_the_simulator_cannot_be_caught_by_a_handler():
    scheduler = Scheduler(1)

    def work() -> None:
        try:
            raise NotSimulated("a call")
        except Exception:
            pass

    scheduler.spawn("actor", work)

    with pytest.raises(NotSimulated, match="a call"):
        scheduler.run()
