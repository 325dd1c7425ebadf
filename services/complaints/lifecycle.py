"""The life of a case in one table: which action is possible in which status, and where it leads.

Everything that moves a case asks this table; nothing else knows a transition.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import Final

from services.base.errors import WrongState

OPEN: Final = frozenset({"received", "classified", "dispatched", "in_progress", "awaiting_customer"})
ON_HAND: Final = frozenset({"dispatched", "in_progress", "awaiting_customer"})
"""Statuses in which the case counts as work of the person it is assigned to."""

STAY: Final = "="

# status -> action -> the status it leads to. STAY: the action leaves the status as it is.
TRANSITIONS: Final = MappingProxyType(
    {
        "received": MappingProxyType({"classify": "classified", "note": STAY}),
        "classified": MappingProxyType({"dispatch": "dispatched", "reclassify": STAY, "note": STAY}),
        "dispatched": MappingProxyType(
            {
                "accept": "in_progress",
                "reclassify": STAY,
                "redispatch": "classified",
                "set-eta": STAY,
                "note": STAY,
            }
        ),
        "in_progress": MappingProxyType(
            {
                "reclassify": STAY,
                "redispatch": "classified",
                "set-eta": STAY,
                "note": STAY,
                "resolve": "resolved",
            }
        ),
        "awaiting_customer": MappingProxyType(
            {
                "reclassify": STAY,
                "redispatch": "classified",
                "set-eta": STAY,
                "note": STAY,
                "resolve": "resolved",
            }
        ),
        "resolved": MappingProxyType({"note": STAY, "close": "closed", "reopen": "in_progress"}),
        "closed": MappingProxyType({"note": STAY, "reopen": "in_progress"}),
        "withdrawn": MappingProxyType({"note": STAY, "reopen": "in_progress"}),
        "rejected": MappingProxyType({"note": STAY, "reopen": "in_progress"}),
    }
)

# What a person may ask for. The others are done by the workers, or follow from what a person asked for: a case whose
# new category belongs to another group is sent back to be dispatched again.
STAFF_ACTIONS: Final = ("accept", "note", "set-eta", "reclassify", "resolve", "close", "reopen")

_ONLY_FOR: Final = MappingProxyType({"set-eta": "outage"})


def target(status: str, action: str, category: str | None = None) -> str:
    """The status that ``action`` leads to from ``status``.

    Raises `WrongState`, with what is possible now, when the table does not hold that step.
    """
    step = TRANSITIONS[status].get(action)
    if step is None or not _suits(action, category):
        possible = possible_actions(status, category)
        raise WrongState(
            f"'{action}' is not possible for a case that is {status}{_of(category)}; "
            f"possible now: {', '.join(possible) or 'nothing'}",
            possible,
        )
    return status if step == STAY else step


def possible_actions(status: str, category: str | None = None) -> tuple[str, ...]:
    """What staff may do with a case in this status, in the order that people read it."""
    steps = TRANSITIONS[status]
    return tuple(action for action in STAFF_ACTIONS if action in steps and _suits(action, category))


def _suits(action: str, category: str | None) -> bool:
    only_for = _ONLY_FOR.get(action)
    return only_for is None or category is None or category == only_for


def _of(category: str | None) -> str:
    return f" and of category {category}" if category else ""
