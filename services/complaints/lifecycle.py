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

# What can be done to a case however it stands: writing about it, and saying how it hangs together with others.
_ALWAYS: Final = {"note": STAY, "renew-link": STAY, "correct": STAY, "link": STAY, "unlink": STAY}
# What moves a case that is with a group, whoever of it has the case.
_WITH_A_GROUP: Final = {
    "assign": STAY,
    "hand-over": "classified",
    "redispatch": "classified",
    "reclassify": STAY,
    "reject": "rejected",
    "withdraw": "withdrawn",
    "report": STAY,
    "escalate": STAY,
    "acknowledge": STAY,
    "merge": STAY,
    "unmerge": STAY,
    "set-eta": STAY,
    "move-plan": STAY,
    "reply": STAY,
}
# The steps of handling, which the playbook puts in order.
_WORK: Final = {
    "take": STAY,
    "contact": STAY,
    "diagnose": STAY,
    "repair": STAY,
    "review": STAY,
    "legal-check": STAY,
    "explain": STAY,
    "compensate": STAY,
    "approve": STAY,
    "decline": STAY,
    "customer-answer": STAY,
    "pay": STAY,
    "guide": STAY,
    "site-visit": STAY,
    "skip": STAY,
    "resolve": "resolved",
}

# status -> action -> the status it leads to. STAY: the action leaves the status as it is.
TRANSITIONS: Final = MappingProxyType(
    {
        "received": MappingProxyType({"classify": "classified", "withdraw": "withdrawn", "reply": STAY, **_ALWAYS}),
        "classified": MappingProxyType(
            {
                "dispatch": "dispatched",
                "reclassify": STAY,
                "withdraw": "withdrawn",
                "reply": STAY,
                "report": STAY,
                "move-plan": STAY,
                **_ALWAYS,
            }
        ),
        "dispatched": MappingProxyType({"accept": "in_progress", **_WITH_A_GROUP, **_ALWAYS}),
        "in_progress": MappingProxyType({**_WORK, "await-customer": "awaiting_customer", **_WITH_A_GROUP, **_ALWAYS}),
        "awaiting_customer": MappingProxyType(
            {**_WORK, "resume": "in_progress", **_WITH_A_GROUP, "reply": "in_progress", **_ALWAYS}
        ),
        # Paying, and what the customer says to the offer, may come after the result was told.
        "resolved": MappingProxyType(
            {
                "customer-answer": STAY,
                "pay": STAY,
                "skip": STAY,
                "contact": STAY,
                "reply": STAY,
                "escalate": STAY,
                "acknowledge": STAY,
                "close": "closed",
                "reopen": "in_progress",
                **_ALWAYS,
            }
        ),
        "closed": MappingProxyType({"reopen": "in_progress", "reply": STAY, **_ALWAYS}),
        "withdrawn": MappingProxyType({"reopen": "in_progress", **_ALWAYS}),
        "rejected": MappingProxyType({"reopen": "in_progress", **_ALWAYS}),
    }
)

# What a person may ask for. The others are done by the workers or the customer, or follow from what a person asked for:
# a case whose new category belongs to another group is sent back to be dispatched again.
STAFF_ACTIONS: Final = (
    "accept",
    "take",
    "contact",
    "diagnose",
    "set-eta",
    "repair",
    "review",
    "legal-check",
    "explain",
    "compensate",
    "approve",
    "decline",
    "customer-answer",
    "pay",
    "guide",
    "site-visit",
    "skip",
    "await-customer",
    "resume",
    "note",
    "correct",
    "reclassify",
    "assign",
    "hand-over",
    "escalate",
    "acknowledge",
    "report",
    "link",
    "unlink",
    "merge",
    "unmerge",
    "resolve",
    "reject",
    "close",
    "reopen",
    "renew-link",
)

_ONLY_FOR: Final = MappingProxyType(
    {
        "diagnose": "outage",
        "set-eta": "outage",
        "repair": "outage",
        "review": "billing",
        "legal-check": "billing",
    }
)


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


def when_possible(action: str) -> str:
    """For people: in which statuses, and for which category, an action is possible."""
    statuses = [status for status, steps in TRANSITIONS.items() if action in steps]
    only_for = _ONLY_FOR.get(action)
    return f"possible for a case that is {' or '.join(statuses)}" + (f" and of category {only_for}" if only_for else "")


def is_possible(status: str, action: str, category: str | None) -> bool:
    """Whether the table holds this step."""
    return action in TRANSITIONS[status] and _suits(action, category)


def possible_actions(status: str, category: str | None = None) -> tuple[str, ...]:
    """What staff may do with a case in this status, in the order that people read it."""
    steps = TRANSITIONS[status]
    return tuple(action for action in STAFF_ACTIONS if action in steps and _suits(action, category))


def _suits(action: str, category: str | None) -> bool:
    only_for = _ONLY_FOR.get(action)
    return only_for is None or category is None or category == only_for


def _of(category: str | None) -> str:
    return f" and of category {category}" if category else ""
