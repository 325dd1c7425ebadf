"""Every staff action: its body, and what it does with a case. Who may do it when is decided in `guards`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Final
from uuid import UUID

from services.base.errors import NotFound
from services.casework import escalation
from services.casework.action import ActionBody
from services.casework.handlers import (
    assigning,
    billing,
    compensating,
    conversing,
    outage,
    relating,
    settling,
    technical_support,
)
from services.casework.links import LinkView, NewLink
from services.casework.work import Work
from services.complaints.lifecycle import STAFF_ACTIONS


@dataclass(slots=True)
class Beside:
    """What some actions need beside the case itself, and what they leave to be written beside it.

    ``told``: the notice of the result was sent. ``concerned``: the promotion that the complaint names. ``other`` is the
    case that is named in the body, and ``followers`` are the duplicates that end with this case.
    """

    told: bool = False
    concerned: str | None = None
    other: Work | None = None
    same_customer: bool = False
    views: Sequence[LinkView] = ()
    followers: Sequence[Work] = ()
    linked: list[NewLink] = field(default_factory=list)
    unlinked: list[tuple[UUID, UUID]] = field(default_factory=list)


Do = Callable[[Work, Any, Beside], None]


def _other(beside: Beside) -> Work:
    assert beside.other is not None
    return beside.other


def _link(work: Work, body: relating.Link, beside: Beside) -> None:
    beside.linked.append(relating.link(work, _other(beside), body, beside.views))


def _unlink(work: Work, body: relating.Unlink, beside: Beside) -> None:
    beside.unlinked.append(relating.unlink(work, _other(beside), body, beside.views))


def _merge(work: Work, body: relating.Merge, beside: Beside) -> None:
    beside.linked.append(relating.merge(work, _other(beside), body, beside.views, same_customer=beside.same_customer))


def _unmerge(work: Work, body: relating.Unmerge, beside: Beside) -> None:
    beside.unlinked.append(relating.unmerge(work, _other(beside), body))


def _customer_answer(work: Work, body: compensating.CustomerAnswer, beside: Beside) -> None:
    """Who disputes an offer after the result was told is not satisfied with the result."""
    compensating.customer_answer(work, body)
    if body.answer == "disputed" and work.status == "resolved":
        settling.reopen(work, body.said, by_customer=True)


def _resolve(work: Work, body: settling.Resolve, beside: Beside) -> None:
    settling.resolve(work, body)
    for follower in beside.followers:
        settling.follow_resolved(follower, body.text)


def _reject(work: Work, body: settling.Reject, beside: Beside) -> None:
    settling.reject(work, body)
    for follower in beside.followers:
        settling.follow_rejected(follower, body.reason)


def _close(work: Work, body: settling.Close, beside: Beside) -> None:
    settling.close(work, body, told=beside.told)
    for follower in beside.followers:
        settling.follow_closed(follower, body.decision, body.reason)


_DO: Final[Mapping[type[ActionBody], Do]] = MappingProxyType(
    {
        assigning.Accept: lambda work, body, beside: assigning.accept(work),
        assigning.Take: lambda work, body, beside: assigning.take(work, body),
        assigning.Assign: lambda work, body, beside: assigning.assign(work, body),
        assigning.HandOver: lambda work, body, beside: assigning.hand_over(work, body),
        technical_support.Contact: lambda work, body, beside: technical_support.contact(work, body),
        technical_support.Guide: lambda work, body, beside: technical_support.guide(work, body),
        technical_support.SiteVisit: lambda work, body, beside: technical_support.site_visit(work, body),
        outage.Diagnose: lambda work, body, beside: outage.diagnose(work, body),
        outage.SetEta: lambda work, body, beside: outage.set_eta(work, body),
        outage.Repair: lambda work, body, beside: outage.repair(work, body),
        billing.Review: lambda work, body, beside: billing.review(work, body, beside.concerned),
        billing.LegalCheck: lambda work, body, beside: billing.legal_check(work, body),
        billing.Explain: lambda work, body, beside: billing.explain(work, body),
        compensating.Compensate: lambda work, body, beside: compensating.compensate(work, body),
        compensating.Approve: lambda work, body, beside: compensating.approve(work, body),
        compensating.Decline: lambda work, body, beside: compensating.decline(work, body),
        compensating.CustomerAnswer: _customer_answer,
        compensating.Pay: lambda work, body, beside: compensating.pay(work, body),
        settling.Skip: lambda work, body, beside: settling.skip(work, body),
        settling.Resolve: _resolve,
        settling.Reject: _reject,
        settling.Close: _close,
        settling.Reopen: lambda work, body, beside: settling.reopen(work, body.reason, by_customer=False),
        conversing.AwaitCustomer: lambda work, body, beside: conversing.await_customer(work, body),
        conversing.Resume: lambda work, body, beside: conversing.resume(work, body),
        conversing.Note: lambda work, body, beside: conversing.note(work, body),
        conversing.RenewLink: lambda work, body, beside: conversing.renew_link(work, body),
        conversing.Correct: lambda work, body, beside: conversing.correct(work, body),
        conversing.Reclassify: lambda work, body, beside: conversing.reclassify(work, body),
        conversing.Escalate: lambda work, body, beside: conversing.escalate(work, body),
        conversing.Acknowledge: lambda work, body, beside: escalation.acknowledge(work),
        conversing.Report: lambda work, body, beside: conversing.report(work, body),
        relating.Link: _link,
        relating.Unlink: _unlink,
        relating.Merge: _merge,
        relating.Unmerge: _unmerge,
    }
)

BODIES: Final[Mapping[str, type[ActionBody]]] = MappingProxyType(
    {action: next(body for body in _DO if action == body.ACTION) for action in STAFF_ACTIONS}
)
"""The body of each action, in the order in which people read them."""


def body_of(action: str) -> type[ActionBody]:
    """What ``action`` takes. Raises `NotFound` for an action that does not exist."""
    try:
        return BODIES[action]
    except KeyError:
        raise NotFound(f"there is no action '{action[:40]}'; the actions are {', '.join(BODIES)}") from None


def do(work: Work, body: ActionBody, beside: Beside) -> None:
    """Carry out the action that ``body`` is for. Raises `Refused` when it can't be done so."""
    _DO[type(body)](work, body, beside)
