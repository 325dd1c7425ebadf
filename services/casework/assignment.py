"""Choosing the person for a case, and saying why this one.

Somebody on duty always goes before everybody who is not (`services.casework.pools` says who comes first among them).
With nobody of the group on duty the case goes to whoever answers for the group, and the record says so. Nothing is
read or written here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import takewhile
from types import MappingProxyType
from typing import Any, Final, Literal, cast

from services.base.errors import NotFound
from services.casework import assignment_words as words
from services.casework.pools import Candidate, Loads, Need, Pool
from services.complaints.commands import Case
from services.complaints.events import Rule
from services.plan.schema import NamedKind, Plan
from services.plan.values import Text

MOST_PASSED_OVER: Final = 10

Office = Literal["head", "deputy", "leadership_deputy", "leadership_head"]
_RULES: Final[Mapping[Office, Rule]] = MappingProxyType(
    {
        "head": "group_head",
        "deputy": "group_head",
        "leadership_deputy": "leadership_deputy",
        "leadership_head": "leadership_deputy",
    }
)
FALLBACK_RULES: Final = frozenset(_RULES.values())
"""The rules by which somebody has a case because nobody of the group was on duty."""
_COMPARING: Final = frozenset({"full", "language", "skills", "busier", "fuller", "later", "order"})


@dataclass(frozen=True, eq=False)
class Team:
    """The people of a group, and who answers for it while nobody is on duty: whoever comes first and can be reached."""

    people: Sequence[Candidate]
    offices: Sequence[tuple[Office, Candidate]]

    @property
    def staffed(self) -> bool:
        """Whether anybody can be given a case as one who is on duty."""
        return any(person.why_not is None for person in self.people)

    @property
    def fallback(self) -> tuple[Office, Candidate]:
        """Who gets a case while nobody is on duty. When nobody at all can be reached, whoever comes first."""
        allowed = [one for one in self.offices if not one[1].excluded] or list(self.offices)
        return next((one for one in allowed if not one[1].presence.away), allowed[0])

    @property
    def unreachable(self) -> Sequence[Candidate]:
        """Whoever would have come before the fallback."""
        _, chosen = self.fallback
        before = takewhile(lambda person: person is not chosen, (person for _, person in self.offices))
        return list({person.login: person for person in before if person.login != chosen.login}.values())


@dataclass(frozen=True, slots=True)
class Choice:
    """The person, the rule that chose, and how many cases they had on hand before this one.

    ``assignment`` is what the case keeps of it: codes, from which `explain` makes sentences.
    """

    login: str
    rule: Rule
    open_cases: int
    assignment: Mapping[str, Any] = field(repr=False)


class Sharing:
    """Shares cases out one after the other, counting up what it gives; somebody in several groups counts once."""

    def __init__(self) -> None:
        self._loads = Loads()
        self._pools: dict[Team, Pool] = {}

    def choose(self, team: Team, need: Need, now: datetime) -> Choice:
        """The person for a case of the team, who then counts as having one more."""
        pool = self._pools.get(team)
        if pool is None:
            pool = self._pools[team] = Pool(team.people, self._loads)
        picked = pool.pick(need, MOST_PASSED_OVER)
        if picked is not None:
            person, passed_over = picked
            return self.give(person, "least_loaded", need, now, passed_over=passed_over)
        office, person = team.fallback
        instead_of = [one.login for one in team.unreachable]
        return self.give(
            person,
            _RULES[office],
            need,
            now,
            passed_over=_skipped(team, pool.off),
            office=office,
            instead_of=instead_of,
        )

    def give(self, person: Candidate, rule: Rule, need: Need, now: datetime, **further: object) -> Choice:
        """The choice of a person who is known, who then counts as having one more. ``further`` is kept with it."""
        load = self._loads.give(person)
        why = {
            "language": need.language in person.languages,
            "customer_language": need.language,
            "skills": need.met_by(person.skills),
            "load": f"{load}/{person.capacity}",
        }
        assignment = {"rule": rule, "login": person.login, "open_cases": load, "at": now, "why": why, **further}
        return Choice(person.login, rule, load, assignment)


def need_of(case: Case, plan: Plan) -> Need:
    """What a case asks of whoever gets it. A place that the plan doesn't know asks nothing."""
    try:
        regions = plan.region(case.region_code).path if case.region_code else ()
    except NotFound:
        regions = ()
    return Need(case.language[:2].lower(), case.service_type, case.sub_category, regions)


def _skipped(team: Team, off: Sequence[Mapping[str, str]]) -> Sequence[Mapping[str, str]]:
    """Why nobody else: first whoever would have answered for the group, then its people."""
    reasons = {person.login: str(person.why_not) for person in team.unreachable}
    for entry in off:
        reasons.setdefault(entry["login"], entry["because"])
    reasons.pop(team.fallback[1].login, None)
    return [{"login": login, "because": because} for login, because in list(reasons.items())[:MOST_PASSED_OVER]]


def explain(assignment: Mapping[str, Any] | None, plan: Plan, language: str, assignee: str | None = None) -> str:
    """Why a case is with its person, in one or two sentences for people, in Chinese or English.

    ``assignment`` is what the case keeps; it may have been written by another release or action, and what it doesn't
    say is left out. ``assignee`` is the case's, for assignments that name nobody.
    """
    if not assignment:
        return words.NOBODY.in_language(language)
    return _Explanation(assignment, plan, language, assignee).text()


class _Explanation:
    def __init__(self, assignment: Mapping[str, Any], plan: Plan, language: str, assignee: str | None) -> None:
        self._said = assignment
        self._plan = plan
        self._language = language
        self._assignee = assignee
        self._marks = words.CHINESE if language[:2].lower() == "zh" else words.ENGLISH

    def text(self) -> str:
        rule = self._said.get("rule")
        if rule == "least_loaded":
            sentence = self._on_duty()
        elif rule in FALLBACK_RULES:
            sentence = self._fallback()
        else:
            words_for = words.BY_RULE.get(str(rule), words.WITH)
            sentence = self._in(words_for, name=self._name(), previous=self._name("previous"))
        return self._marks.sentence.join(filter(None, (sentence, self._moved())))

    def _on_duty(self) -> str:
        parts = [self._in(words.ON_DUTY, name=self._name())]
        aside = ""
        why = self._said.get("why") or {}
        spoken = words.LANGUAGES.get(why.get("customer_language", ""))
        if spoken is not None and why.get("language"):
            parts.append(self._in(words.SPEAKS, language=spoken.in_language(self._language)))
        elif spoken is not None:
            aside = self._marks.aside + self._in(words.SPEAKS_NOT, language=spoken.in_language(self._language))
        if why.get("skills"):
            names = self._marks.listed.join(self._skill(skill) for skill in why["skills"])
            parts.append(self._in(words.KNOWS, skills=names))
        if why.get("load"):
            load, _, capacity = why["load"].partition("/")
            parts.append(self._in(words.LOAD, load=load, capacity=capacity))
        if (compared := _compared(self._said)) is not None:
            parts.append(self._in(words.COMPARED[compared]))
        return self._marks.part.join(parts) + aside + self._marks.end

    def _fallback(self) -> str:
        office = words.OFFICES.get(self._said.get("office", ""), words.OFFICES["head"])
        parts = [self._in(words.FALLBACK, office=office.in_language(self._language), name=self._name())]
        parts += [
            self._in(words.SKIPPED, name=self._called(entry["login"]), because=self._because(entry["because"]))
            for entry in self._said.get("passed_over", ())
            if entry["login"] in self._said.get("instead_of", ())
        ]
        return self._marks.aside.join(parts) + self._marks.end

    def _moved(self) -> str:
        because = self._said.get("because")
        if because is None or self._said.get("previous") is None:
            return ""
        return self._in(words.MOVED, previous=self._name("previous"), because=self._because(because))

    def _name(self, key: str = "login") -> str:
        login = self._said.get(key) or (self._assignee if key == "login" else None)
        return self._called(login) if login else self._in(words.SOMEBODY)

    def _called(self, login: str) -> str:
        try:
            return self._plan.person(login).name.in_language(self._language)
        except NotFound:
            return login

    def _because(self, code: str) -> str:
        return words.BECAUSE[code].in_language(self._language) if code in words.BECAUSE else code

    def _skill(self, skill: str) -> str:
        kind, _, code = skill.partition(":")
        return self._plan.name_of(cast(NamedKind, kind), code, self._language)

    def _in(self, text: Text, **values: str) -> str:
        return text.in_language(self._language).format(**values)


def _compared(assignment: Mapping[str, Any]) -> str | None:
    """What set the person apart from the others on duty: the last thing that had to be looked at."""
    if "passed_over" not in assignment:
        return None
    reasons = {entry["because"] for entry in assignment["passed_over"]} & _COMPARING
    if not reasons:
        return "alone"
    if "later" in reasons:
        return "longest"
    if "order" in reasons:
        return "equal"
    if not reasons.isdisjoint({"busier", "fuller"}):
        among = "fewest" if reasons <= {"busier", "fuller", "full"} else "fewest_of_fitting"
        return f"{among}_for_capacity" if "fuller" in reasons else among
    return next(one for one in ("skills", "language", "full") if one in reasons)
