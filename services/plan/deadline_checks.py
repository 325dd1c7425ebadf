"""Whether a plan's times fit one another and the law: the order of deadlines, limits of law, the wait for customers.

Times on the clock and working days can't be compared without a date, so only like is compared with like.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Any, Final

from services.plan.allowances import Allowance, parse_allowance
from services.plan.clocks import JURISDICTIONS, Law, Limit, law_of, longer
from services.plan.document import Path
from services.plan.findings import Finding, fields
from services.plan.values import parse_duration
from services.plan.vocabulary import CATEGORIES, SEVERITIES

_ORDER: Final = ("acknowledge", "respond", "estimate", "resolve")
_DEFAULT: Final = "default"


def wrong_times(plan: dict[str, Any]) -> Iterator[Finding]:
    """Every time that is out of order, missing, or longer than the law allows."""
    law = _law(plan)
    if isinstance(plan.get("deadlines"), dict):
        yield from _wrong_deadlines(plan["deadlines"], law)
    if law is not None and law.pay is not None:
        yield from _beyond(("compensation", "pay_within"), fields(plan, "compensation").get("pay_within"), law.pay, law)
    yield from _wrong_wait(fields(plan, "awaiting"))


def _law(plan: dict[str, Any]) -> Law | None:
    """The law that the plan names; None when it names none that is known."""
    named = fields(plan, "plan").get("jurisdiction", JURISDICTIONS[0])
    return next((law_of(one) for one in JURISDICTIONS if one == named), None)


def _wrong_deadlines(deadlines: dict[str, Any], law: Law | None) -> Iterator[Finding]:
    for category in (_DEFAULT, *CATEGORIES):
        for severity in SEVERITIES:
            deadline = fields(fields(deadlines, category), severity)
            path = ("deadlines", category, severity)
            yield from _wrong_order(path, deadline)
            if law is not None:
                yield from _beyond((*path, "resolve"), deadline.get("resolve"), law.regulator_limit(severity), law)
                if law.acknowledge is not None:
                    yield from _beyond((*path, "acknowledge"), deadline.get("acknowledge"), law.acknowledge, law)
    for category in CATEGORIES:
        for severity in SEVERITIES:
            if all(fields(deadlines, source).get(severity) is None for source in (category, _DEFAULT)):
                yield (
                    ("deadlines", category),
                    f'the severity "{severity}" has no deadlines; write them here or under default',
                )


def _wrong_order(path: Path, deadline: Mapping[str, Any]) -> Iterator[Finding]:
    """Steps that may take less time than one that comes before them."""
    before: list[tuple[str, Allowance]] = []
    for step in _ORDER:
        allowed = _allowance(deadline.get(step))
        if allowed is None:
            continue
        longest = next((name for name, earlier in reversed(before) if longer(earlier, allowed)), None)
        if longest is not None:
            reason = f"{step} ({deadline[step]}) is shorter than {longest} ({deadline[longest]}); it comes later"
            yield (*path, step), reason
        before.append((step, allowed))


def _beyond(path: Path, written: object, limit: Limit, law: Law) -> Iterator[Finding]:
    allowed = _allowance(written)
    if allowed is not None and longer(allowed, limit.within):
        yield (
            path,
            f"{written} is longer than the law of {law.name.en} allows, {limit.within}: {limit.source.en}",
        )


def _wrong_wait(awaiting: dict[str, Any]) -> Iterator[Finding]:
    """Reminders that don't come one after the other, or come when the case was given back already."""
    written = awaiting.get("remind_after")
    end = _duration(awaiting.get("give_back_after"))
    last: timedelta | None = None
    for at, reminder in enumerate(written if isinstance(written, list) else ()):
        after = _duration(reminder)
        if after is None:
            continue
        path = ("awaiting", "remind_after", at)
        if last is not None and after <= last:
            yield path, f"{reminder} is not after the reminder before it; write them in order, each once"
        if end is not None and after >= end:
            given_back = awaiting["give_back_after"]
            yield path, f"at {reminder} the case was given back already (give_back_after: {given_back})"
        last = after


def _allowance(written: object) -> Allowance | None:
    try:
        return parse_allowance(written)
    except ValueError:
        return None


def _duration(written: object) -> timedelta | None:
    try:
        return parse_duration(written)
    except ValueError:
        return None
