"""The forms on the page of a case as values: what its customer can do now, and what became of what they sent.

Nothing that was written is lost: where a form is refused, its words come back in it, or in the one that is possible
now.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from types import MappingProxyType
from typing import Any, Final, Literal

from intake_api.customer_actions import Slip
from intake_api.form_words import FORM_WORDS, FormWords, ReopenWords
from intake_api.track_view import shown
from intake_api.tracked import Tracked, TrackedCase
from services.casework.attaching import TAKES_FILES
from services.complaints.events import Attached
from services.complaints.lifecycle import OPEN, is_possible
from services.notices.channels.port import Way
from services.plan.telling import Attachments
from services.plan.vocabulary import Language

FormName = Literal["messages", "reopen", "withdraw"]
_ACTIONS: Final[Mapping[FormName, str]] = MappingProxyType(
    {"messages": "reply", "reopen": "reopen", "withdraw": "withdraw"}
)
# What a refusal is answered with; everything else that is wrong is 422.
_STATUSES: Final[Mapping[str, int]] = MappingProxyType(
    {
        "too_often": 429,
        "file_too_large": 413,
        **dict.fromkeys(("wrong_state", "settled", "open", "merged", "too_late", "too_many_files"), 409),
    }
)


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a form was not taken, and the words that were in it."""

    form: FormName
    slip: Slip
    text: str
    had_file: bool = False

    @property
    def status(self) -> int:
        """Of the answer."""
        return _STATUSES.get(self.slip.code, 422)


@dataclass(frozen=True, slots=True)
class Trouble:
    """What is wrong, in words, at a field of a form of the page; ``form`` is None when none of them is possible."""

    form: FormName | None
    field: str
    words: str
    text: str
    file_again: bool


@dataclass(frozen=True, slots=True)
class ToldBy:
    """A way of telling the customer that they can stop or allow."""

    way: Way
    name: str
    stopped: bool


@dataclass(frozen=True, slots=True)
class Forms:
    """What the customer can do on the page. ``file_hint`` is None where no file is taken, ``reopen`` where it can't be
    reopened; ``query`` keeps the language that was asked for.
    """

    address: str
    query: str
    reply: bool
    file_hint: str | None
    reopen: ReopenWords | None
    reopen_over: str | None
    withdraw: bool
    told_by: Sequence[ToldBy] = field(default=())
    trouble: Trouble | None = None
    done: str | None = None


def forms_of(
    tracked: Tracked,
    limits: Attachments,
    address: str,
    query: str,
    language: Language,
    now: datetime,
    *,
    refusal: Refusal | None = None,
    done: str | None = None,
) -> Forms:
    """The forms of the page at ``address``. ``done`` is what was just done, as the address says."""
    case, words = tracked.case, FORM_WORDS[language]
    may: dict[FormName, bool] = {name: _possible(case, name) for name in _ACTIONS}
    until = None if case.closed_at is None else case.closed_at + tracked.plan.reopen_within
    over = may["reopen"] and until is not None and until < now
    may["reopen"] = may["reopen"] and not over
    values = _values(tracked, limits, language)
    attached = sum(event.type == Attached.TYPE for event in tracked.record)
    takes_file = may["messages"] and case.status in TAKES_FILES and attached < limits.most
    return Forms(
        address=address,
        query=query,
        reply=may["messages"],
        file_hint=words.file_hint.format_map(values) if takes_file else None,
        reopen=_reopening(tracked, until, language) if may["reopen"] else None,
        reopen_over=words.wrong["too_late"].format_map(values) if over else None,
        withdraw=may["withdraw"],
        told_by=[ToldBy(way, words.ways[way], stopped) for way, stopped in tracked.stopped.items()],
        trouble=None if refusal is None else _trouble(refusal, may, words, values),
        done=_done(case, done, words),
    )


def conflict(form: FormName, case: TrackedCase) -> Slip:
    """Why a form is not possible for a case that has moved on."""
    if case.merged is not None:
        return Slip("merged")
    if form == "reopen" and case.status in OPEN:
        return Slip("open")
    return Slip("settled" if form == "messages" else "wrong_state")


def may_withdraw(case: TrackedCase) -> bool:
    """Whether the customer can take it back now."""
    return _possible(case, "withdraw")


def _possible(case: TrackedCase, form: FormName) -> bool:
    return case.merged is None and is_possible(case.status, _ACTIONS[form], None)


def _reopening(tracked: Tracked, until: datetime | None, language: Language) -> ReopenWords:
    words = FORM_WORDS[language]
    match tracked.case.status:
        case "withdrawn":
            offered = words.reopen.withdrawn
        case "rejected":
            offered = words.reopen.rejected
        case _:
            offered = words.reopen.settled
    if until is None:
        return offered
    said = words.reopen_until.format(time=shown(until, tracked.plan, language))
    return replace(offered, hint=f"{offered.hint}{said}" if language == "zh" else f"{offered.hint} {said}")


def _trouble(refusal: Refusal, may: Mapping[FormName, bool], words: FormWords, values: Mapping[str, Any]) -> Trouble:
    slip = refusal.slip
    others: tuple[FormName, ...] = (refusal.form, "messages", "reopen")
    form = next((name for name in others if may[name]), None)
    said = words.wrong[slip.code].format_map({**values, **slip.values})
    field = slip.field if form == refusal.form else "text"
    return Trouble(form, field, said, refusal.text, refusal.had_file and slip.field != "file")


def _values(tracked: Tracked, limits: Attachments, language: Language) -> dict[str, object]:
    """What can stand in the words of forms."""
    between = "、" if language == "zh" else ", "
    return {
        "status": tracked.plan.name_of("status", tracked.case.status, language),
        "days": tracked.plan.reopen_within.days,
        "kinds": between.join(kind.partition("/")[2].upper() for kind in limits.kinds),
        "largest": limits.largest,
        "most": limits.most,
    }


def _done(case: TrackedCase, done: str | None, words: FormWords) -> str | None:
    """What was just done; nothing that isn't so any more when the page is opened again."""
    if done == "withdrawn" and case.status != "withdrawn":
        return None
    if done == "reopened" and case.status not in OPEN:
        return None
    return words.done.get(done or "")
