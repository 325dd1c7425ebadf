"""When a front end that misbehaves is called again."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from services.notices.channels.webhook_standing import LONGEST_PATIENCE, Standing

NOW = datetime(2025, 11, 24, 2, 30, tzinfo=UTC)
TRIAL = timedelta(seconds=10)


def failed(times: int) -> Standing:
    standing = Standing(TRIAL)
    for _ in range(times):
        standing.failed(NOW, "broken")
    return standing


def seconds_of_rest(standing: Standing, now: datetime) -> int:
    """After how many seconds it may be called, looking each second; that call is then under way."""
    return next(second for second in range(7200) if standing.why_not(now + timedelta(seconds=second)) is None)


def test_the_first_failures_stop_nobody_and_those_that_come_together_make_one_rest() -> None:
    assert failed(2).why_not(NOW) is None
    assert failed(3).why_not(NOW) == "broken"
    assert seconds_of_rest(failed(32), NOW) == 1


def test_rests_grow_up_to_half_a_minute_with_one_call_between_them() -> None:
    standing, now, rests = failed(3), NOW, []
    for _ in range(7):
        rests.append(seconds_of_rest(standing, now))
        now += timedelta(seconds=rests[-1])
        assert standing.why_not(now) == "broken"
        standing.failed(now, "broken")

    assert rests == [1, 2, 4, 8, 16, 30, 30]


def test_one_success_ends_all_caution() -> None:
    standing = failed(3)
    standing.answered()

    standing.failed(NOW, "broken")

    assert standing.why_not(NOW) is None
    assert standing.why_not(NOW) is None


def test_the_patience_that_is_asked_for_is_bounded_and_a_shorter_one_doesnt_end_it() -> None:
    standing = Standing(TRIAL)
    standing.asked_to_wait(NOW, "busy", timedelta(days=365))
    standing.asked_to_wait(NOW, "busy", timedelta(seconds=-5))

    assert seconds_of_rest(standing, NOW) == LONGEST_PATIENCE.total_seconds()


def test_a_trial_whose_end_nobody_tells_is_followed_by_another() -> None:
    standing = failed(3)
    begun = NOW + timedelta(seconds=1)

    assert standing.why_not(begun) is None
    assert seconds_of_rest(standing, begun) == TRIAL.total_seconds()


def test_a_trial_that_told_nothing_lets_the_next_try_at_once() -> None:
    standing = failed(3)
    begun = NOW + timedelta(seconds=1)
    standing.why_not(begun)
    standing.undecided()

    assert standing.why_not(begun) is None
    assert standing.why_not(begun) == "broken"
