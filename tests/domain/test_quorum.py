"""Which different people approved, by clicks that were allowed and by the chat service's log."""

from itertools import permutations

from hypothesis import given
from hypothesis import strategies as st

from domain.quorum import approvals


def click(reason="Known", at="10:00:00"):
    return {"reason": reason, "approvedAt": f"2026-11-24T{at}Z"}


def action(user, reason="Known", at="10:00:02", verb="approve"):
    when = f"2026-11-24T{at}Z"
    return {"user": user, "userName": user.title(), "action": verb, "reason": reason,
            "clickedAt": when}  # fmt: skip


def users(clicks, actions, known_as=None):
    return [approval.person.user for approval in approvals(clicks, actions, known_as or {})]


def test_two_people_with_a_click_each_count():
    clicks = [click(), click("Agreed", "10:30:00")]
    actions = [action("ada"), action("ben", "Agreed", "10:30:01")]

    assert users(clicks, actions) == ["ada", "ben"]
    assert approvals(clicks, actions, {})[0].person.name == "Ada"
    assert approvals(clicks, actions, {})[1].click == clicks[1]


def test_one_person_counts_once():
    assert users([click(), click()], [action("ada"), action("ada", at="10:00:09")]) == ["ada"]


def test_one_person_with_two_ids_counts_once_where_the_address_is_known():
    clicks, actions = [click(), click()], [action("ada"), action("eve")]

    assert len(users(clicks, actions)) == 2
    assert len(users(clicks, actions, {"ada": "a@example.com", "eve": "A@example.com"})) == 1
    assert len(users(clicks, actions, {"ada": "AIDAEXAMPLE", "eve": "AIDAEXAMPLE"})) == 2


def test_nobody_counts_before_the_log_says_who_clicked():
    assert users([click()], []) == []


def test_a_click_that_was_not_allowed_does_not_count():
    # IAM refused Ben's: the log has it, but it left no document.
    assert users([click()], [action("ada"), action("ben", at="10:00:05")]) == ["ada"]


def test_a_click_with_another_reason_or_at_another_time_does_not_count():
    actions = [action("ada", "Other"), action("ben", at="10:05:01"), action("eve", verb="reject")]

    assert users([click()], actions) == []


def test_the_log_has_reasons_with_html_escapes():
    assert users([click("a & b")], [action("ada", "a &amp; b")]) == ["ada"]


def test_a_person_yields_a_click_to_one_who_has_no_other():
    # Ada's could be either click, Ben's only the first.
    clicks = [click(at="10:00:00"), click(at="10:06:00")]
    actions = [action("ada", at="10:02:00"), action("ben", at="09:59:00")]

    assert users(clicks, actions) == ["ben", "ada"]


MINUTES = st.integers(0, 20).map(lambda minute: f"10:{minute:02}:00")


@given(
    st.lists(st.builds(click, st.sampled_from("abc"), MINUTES), max_size=4),
    st.lists(st.builds(action, st.sampled_from("xyz"), st.sampled_from("abc"), MINUTES),
             max_size=6),
)  # fmt: skip
def test_as_many_people_count_as_can_have_a_click_of_their_own(clicks, actions):
    fits = {
        (user, number): bool(users([stored], [one for one in actions if one["user"] == user]))
        for user in "xyz"
        for number, stored in enumerate(clicks)
    }
    most = max(
        sum(fits.get((user, number), False) for user, number in zip(order, numbers, strict=False))
        for order in permutations("xyz")
        for numbers in permutations([*range(len(clicks)), *[-1] * 3], 3)
    )

    counted = users(clicks, actions)

    assert len(counted) == most
    assert len(set(counted)) == len(counted)
