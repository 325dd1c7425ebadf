"""What a plan says of handling, held against itself: playbooks, compensation, tasks, escalation, guidance.

Works on the plain data, as `references` does.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from itertools import pairwise
from types import MappingProxyType
from typing import Any, Final

from pydantic import TypeAdapter

from services.plan.document import Path
from services.plan.findings import Finding, Item, codes, fields, items, repeated, unknown, words
from services.plan.playbooks import MOST_DECIMALS, Amount
from services.plan.vocabulary import CATEGORIES, SENIOR_MANAGEMENT

# Each must have a way of being handled; an unclear complaint is judged by a person first.
_HANDLED: Final = tuple(category for category in CATEGORIES if category != "unclear")
# Actions that only make sense for one category. All others fit any.
_ONLY_FOR: Final[Mapping[str, str]] = MappingProxyType(
    {
        "diagnose": "outage",
        "set-eta": "outage",
        "repair": "outage",
        "review": "billing",
        "legal-check": "billing",
        "explain": "billing",
        "compensate": "billing",
        "customer-answer": "billing",
        "pay": "billing",
    }
)
# What can only be done with compensation that was offered.
_AFTER_OFFER: Final = ("customer-answer", "pay")
_RISING: Final = ("member", "head", "leadership")
_AMOUNT: Final[TypeAdapter[Decimal]] = TypeAdapter(Amount)


def wrong_handling(plan: dict[str, Any]) -> Iterator[Finding]:
    """Every contradiction in the sections that say how complaints are handled."""
    groups = codes(items(plan, "groups"), "code")
    for path, playbook in items(plan, "playbooks"):
        yield from _wrong_playbook(path, playbook, groups)
        yield from _wrong_subcategories(plan, path, playbook)
    yield from _without_counsel(plan)
    yield from _unreachable_playbooks(items(plan, "playbooks"))
    yield from _unhandled_categories(plan)
    for path, article in items(plan, "knowledge"):
        yield from _wrong_subcategories(plan, path, article)
    yield from _wrong_compensation(fields(plan, "compensation"), groups)
    for path, task in items(plan, "tasks"):
        yield from unknown((*path, "group"), task.get("group"), groups, "group")
    yield from _wrong_ladder(items(plan, "escalation", "ladder"), groups)


def _wrong_playbook(path: Path, playbook: dict[str, Any], groups: Sequence[str]) -> Iterator[Finding]:
    steps = items(playbook, "steps", above=path)
    yield from repeated(steps, "code")
    offered = False
    for where, step in steps:
        yield from unknown((*where, "by"), step.get("by"), groups, "group")
        action = step.get("action")
        only_for = _ONLY_FOR.get(action) if isinstance(action, str) else None
        if only_for is not None and playbook.get("category") in CATEGORIES and playbook["category"] != only_for:
            yield (*where, "action"), f'"{action}" is for {only_for} only; take the step out of this playbook'
        elif action in _AFTER_OFFER and not offered:
            yield (*where, "action"), f'"{action}" has nothing to go by; put a step with compensate before it'
        offered = offered or action == "compensate"
    if steps and not any(step.get("action") == "resolve" for _, step in steps):
        yield (*path, "steps"), "no step tells the customer the result; add one with the action resolve"


def _without_counsel(plan: dict[str, Any]) -> Iterator[Finding]:
    """Steps that only legal counsel may do, where nobody is."""
    staff = items(plan, "staff")
    if not staff or any(person.get("legal_counsel") is True for _, person in staff):
        return
    for path, playbook in items(plan, "playbooks"):
        for where, step in items(playbook, "steps", above=path):
            if step.get("action") == "legal-check":
                yield (*where, "action"), "nobody is legal counsel; write legal_counsel: true with one of the staff"


def _wrong_subcategories(plan: dict[str, Any], path: Path, entry: dict[str, Any]) -> Iterator[Finding]:
    """Sub-categories of a playbook or an article that aren't there, or belong to another category."""
    category = entry.get("category")
    of_category = {
        code: other.get("code")
        for _, other in items(plan, "categories")
        for code in codes(items(other, "subcategories"), "code")
    }
    for at, code in words(entry.get("subcategories")):
        where = (*path, "subcategories", at)
        yield from unknown(where, code, of_category, "sub-category")
        if category in CATEGORIES and of_category.get(code, category) != category:
            yield where, f'"{code}" is a sub-category of {of_category[code]}, and this is for {category}'


def _unreachable_playbooks(playbooks: Sequence[Item]) -> Iterator[Finding]:
    for place, (path, playbook) in enumerate(playbooks):
        covering = next((earlier for _, earlier in playbooks[:place] if _covers(earlier, playbook)), None)
        if covering is not None:
            yield path, f'is never used: "{covering.get("code")}" above it takes all of its cases; put this one first'


def _covers(earlier: dict[str, Any], later: dict[str, Any]) -> bool:
    """Whether every case that fits ``later`` fits ``earlier`` too."""
    return earlier.get("category") == later.get("category") and all(
        _takes(earlier.get(key), later.get(key)) for key in ("subcategories", "severities")
    )


def _takes(wider: object, narrower: object) -> bool:
    allowed, wanted = ({word for _, word in words(listed)} for listed in (wider, narrower))
    return not allowed or (bool(wanted) and wanted <= allowed)


def _unhandled_categories(plan: dict[str, Any]) -> Iterator[Finding]:
    if not isinstance(plan.get("playbooks"), list):
        return
    for category in _HANDLED:
        fitting = [one for _, one in items(plan, "playbooks") if one.get("category") == category]
        if not any(not one.get("subcategories") and not one.get("severities") for one in fitting):
            yield (
                ("playbooks",),
                f'no playbook takes every complaint of the category "{category}"; add one without subcategories '
                "and severities, after those that are narrower",
            )


def _wrong_compensation(compensation: dict[str, Any], groups: Sequence[str]) -> Iterator[Finding]:
    path = ("compensation",)
    yield from unknown((*path, "paid_by"), compensation.get("paid_by"), groups, "group")
    currencies = items(compensation, "currencies", above=path)
    yield from repeated(currencies, "code")
    seen: set[str] = set()
    for at, kind in words(compensation.get("kinds")):
        if kind in seen:
            yield (*path, "kinds", at), f'"{kind}" stands here twice; keep one'
        seen.add(kind)
    decimals = {one["code"]: one.get("decimals", 2) for _, one in currencies if isinstance(one.get("code"), str)}
    limits = fields(compensation, "limits")
    for holder in _RISING:
        yield from _wrong_amounts((*path, "limits", holder), fields(limits, holder), decimals)
    yield from _falling_limits((*path, "limits"), limits)
    above = fields(compensation, "legal_check_above")
    yield from _wrong_amounts((*path, "legal_check_above"), above, decimals)


def _wrong_amounts(path: Path, amounts: dict[str, Any], decimals: Mapping[str, Any]) -> Iterator[Finding]:
    for currency, written in amounts.items():
        yield from unknown((*path, currency), currency, list(decimals), "currency of this plan")
        amount, most = _amount(written), decimals.get(currency)
        if amount is not None and isinstance(most, int) and 0 <= most <= MOST_DECIMALS and _decimals(amount) > most:
            yield (*path, currency), f"{written} has too many decimals; {currency} has {most}"


def _falling_limits(path: Path, limits: dict[str, Any]) -> Iterator[Finding]:
    """Whoever stands higher may grant as much as those below. A currency that is left out is nothing."""
    for lower, higher in pairwise(_RISING):
        if not isinstance(limits.get(lower), dict) or not isinstance(limits.get(higher, {}), dict):
            continue
        for currency, written in limits[lower].items():
            theirs = fields(limits, higher).get(currency, 0)
            less, more = _amount(written), _amount(theirs)
            if less is not None and more is not None and less > more:
                there = currency in fields(limits, higher)
                where = (*path, higher, currency) if there else (*path, lower, currency)
                yield where, f"{higher} ({theirs} {currency}) may grant less than {lower} ({written}); raise it"


def _decimals(amount: Decimal) -> int:
    """How many decimals an amount has, zeros at its end left out."""
    _, digits, exponent = amount.as_tuple()
    zeros = len(digits) - len("".join(map(str, digits)).rstrip("0"))
    return max(0, -exponent - zeros) if isinstance(exponent, int) else 0


def _amount(written: object) -> Decimal | None:
    try:
        return _AMOUNT.validate_python(written)
    except ValueError:
        return None


def _wrong_ladder(ladder: Sequence[Item], groups: Sequence[str]) -> Iterator[Finding]:
    seen: set[str] = set()
    for path, rung in ladder:
        holder = rung.get("to")
        if not isinstance(holder, str):
            continue
        if holder in seen:
            yield (*path, "to"), f'"{holder}" stands on the ladder already; keep one rung'
        seen.add(holder)
        if holder == SENIOR_MANAGEMENT and groups and SENIOR_MANAGEMENT not in groups:
            yield (*path, "to"), f'there is no group "{SENIOR_MANAGEMENT}"; add it to the groups, or take the rung out'
