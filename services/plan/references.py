"""What one part of a plan says about another: references, completeness, duplicates.

Works on the plain data, so that a mistake of form in one section doesn't hide these mistakes in the others; what
has the wrong form is passed over here, and reported where forms are checked. How complaints are handled is checked in
`handling_checks`, by when in `deadline_checks`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final, get_args

from services.plan.deadline_checks import wrong_times
from services.plan.document import Path
from services.plan.findings import Finding, Item, codes, fields, incomplete, items, repeated, unknown, words
from services.plan.handling_checks import wrong_handling
from services.plan.regions import spellings
from services.plan.vocabulary import (
    CATEGORIES,
    CHANNELS,
    LEARNED_SIGNALS,
    REQUIRED_GROUPS,
    REQUIRED_SERVICES,
    SEVERITIES,
    STATUSES,
    TaskKind,
)

_UNIQUE: Final = (
    (("staff",), "login"),
    (("calendars",), "code"),
    (("groups",), "code"),
    (("categories",), "code"),
    (("severities",), "code"),
    (("playbooks",), "code"),
    (("tasks",), "kind"),
    (("knowledge",), "code"),
    (("channels",), "code"),
    (("services",), "code"),
    (("statuses",), "code"),
    (("notices",), "kind"),
    (("judging", "signals"), "code"),
    (("standings",), "code"),
)
_COMPLETE: Final = (
    ("groups", "code", "group", REQUIRED_GROUPS),
    ("categories", "code", "category", CATEGORIES),
    ("severities", "code", "severity", SEVERITIES),
    ("tasks", "kind", "kind of task", get_args(TaskKind)),
    ("channels", "code", "channel", CHANNELS),
    ("services", "code", "service", REQUIRED_SERVICES),
    ("statuses", "code", "status", STATUSES),
)


def contradictions(plan: dict[str, Any]) -> Iterator[Finding]:
    """Every mistake between the parts, as the path of the wrong value and what to change."""
    for where, key in _UNIQUE:
        yield from repeated(items(plan, *where), key)
    subcategories = [
        item for path, category in items(plan, "categories") for item in items(category, "subcategories", above=path)
    ]
    yield from repeated(subcategories, "code")
    for section, key, noun, wanted in _COMPLETE:
        yield from incomplete(plan, section, key, noun, wanted)
    yield from _wrong_references(plan)
    yield from _wrong_memberships(plan)
    yield from _wrong_skills(plan)
    yield from wrong_times(plan)
    yield from wrong_handling(plan)
    yield from _wrong_thresholds(plan)
    yield from _wrong_weights(plan)
    yield from _repeated_words(plan)
    yield from repeated(_all_regions(plan, ()), "code")
    yield from _confusable_regions(plan, ())


def _wrong_references(plan: dict[str, Any]) -> Iterator[Finding]:
    logins = codes(items(plan, "staff"), "login")
    groups = codes(items(plan, "groups"), "code")
    calendars = codes(items(plan, "calendars"), "code")
    signals = codes(items(plan, "judging", "signals"), "code")
    for path, person in items(plan, "staff"):
        yield from unknown((*path, "shift"), person.get("shift"), calendars, "calendar")
    for path, group in items(plan, "groups"):
        yield from unknown((*path, "calendar"), group.get("calendar"), calendars, "calendar")
        for key in ("head", "deputy"):
            yield from unknown((*path, key), group.get(key), logins, "member of staff")
        for at, login in words(group.get("members")):
            yield from unknown((*path, "members", at), login, logins, "member of staff")
    for path, category in items(plan, "categories"):
        yield from unknown((*path, "group"), category.get("group"), groups, "group")
    yield from unknown(("surveys", "group"), fields(plan, "surveys").get("group"), groups, "group")
    reportable = fields(fields(plan, "judging"), "reportable")
    for at, signal in words(reportable.get("signals")):
        yield from unknown(("judging", "reportable", "signals", at), signal, signals, "signal")


def _wrong_memberships(plan: dict[str, Any]) -> Iterator[Finding]:
    placed: set[str] = set()
    for path, group in items(plan, "groups"):
        seen: set[str] = set()
        listed: list[tuple[Path, object]] = [((*path, key), group.get(key)) for key in ("head", "deputy")]
        listed += [((*path, "members", at), login) for at, login in words(group.get("members"))]
        for where, login in listed:
            if not isinstance(login, str):
                continue
            if login in seen:
                yield where, f'"{login}" is in this group already; list everybody once'
            seen.add(login)
        placed |= seen
    if not placed:
        return
    for path, person in items(plan, "staff"):
        login = person.get("login")
        if isinstance(login, str) and login not in placed:
            yield path, f'"{login}" is in no group; add them to one, or take them out of the staff'


def _wrong_skills(plan: dict[str, Any]) -> Iterator[Finding]:
    """What somebody is said to know best that the plan doesn't know, or that stands there twice."""
    subcategories = [sub for _, category in items(plan, "categories") for sub in items(category, "subcategories")]
    known = {
        "services": (codes(items(plan, "services"), "code"), "service"),
        "subcategories": (codes(subcategories, "code"), "sub-category"),
        "regions": (codes(_all_regions(plan, ()), "code"), "region; write its code"),
    }
    for path, person in items(plan, "staff"):
        for key, (there, noun) in known.items():
            seen: set[str] = set()
            for at, word in words(fields(person, "skills").get(key)):
                # A plan without regions can't have anybody who knows one.
                yield from unknown((*path, "skills", key, at), word, there or ["none in this plan"], noun)
                if word in seen:
                    yield (*path, "skills", key, at), f'"{word}" stands here twice; keep one'
                seen.add(word)


def _wrong_thresholds(plan: dict[str, Any]) -> Iterator[Finding]:
    thresholds = fields(fields(plan, "judging"), "severity_thresholds")
    for graver, lesser in (("critical", "major"), ("major", "minor")):
        high, low = thresholds.get(graver), thresholds.get(lesser)
        if isinstance(high, int | float) and isinstance(low, int | float) and high <= low:
            path = ("judging", "severity_thresholds", graver)
            yield path, f"{graver} ({high}) must be above {lesser} ({low})"


def _wrong_weights(plan: dict[str, Any]) -> Iterator[Finding]:
    """What severity weighs by: kinds of trouble and standings of customers that the plan knows."""
    subcategories = [sub for _, category in items(plan, "categories") for sub in items(category, "subcategories")]
    troubles = [*CATEGORIES, *codes(subcategories, "code")]
    for code in fields(fields(plan, "judging"), "base"):
        yield from unknown(("judging", "base", code), code, troubles, "category or sub-category")
    # Without a list of standings every one is unknown.
    standings = codes(items(plan, "standings"), "code") or ["none in this plan; add a list of standings"]
    for path, signal in items(plan, "judging", "signals"):
        if signal.get("learned") is not None and signal.get("code") not in LEARNED_SIGNALS:
            yield (*path, "learned"), f"the model hears {', '.join(LEARNED_SIGNALS)} only; take this out"
        for at, standing in words(signal.get("standings")):
            yield from unknown((*path, "standings", at), standing, standings, "standing")


def _repeated_words(plan: dict[str, Any]) -> Iterator[Finding]:
    """A way to answer, a language or a phrase that stands twice in one list."""
    lists: list[tuple[Path, object]] = []
    lists += [((*path, "answer_by"), channel.get("answer_by")) for path, channel in items(plan, "channels")]
    lists += [((*path, "languages"), person.get("languages")) for path, person in items(plan, "staff")]
    for path, signal in items(plan, "judging", "signals"):
        phrases = fields(signal, "phrases")
        lists += [((*path, "phrases", language), phrases.get(language)) for language in ("zh", "en")]
    for path, listed in lists:
        seen: set[str] = set()
        for at, word in words(listed):
            if word in seen:
                yield (*path, at), f'"{word}" stands here twice; keep one'
            seen.add(word)


def _all_regions(data: dict[str, Any], above: Path) -> Iterator[Item]:
    key = "children" if above else "regions"
    for path, region in items(data, key, above=above):
        yield path, region
        yield from _all_regions(region, path)


def _confusable_regions(data: dict[str, Any], above: Path) -> Iterator[Finding]:
    """Regions of one parent that the same words would find."""
    taken: dict[str, str] = {}
    for path, region in items(data, "children" if above else "regions", above=above):
        code = str(region.get("code"))
        name = region.get("name")
        zh, en = (str(name.get(language, "")) if isinstance(name, dict) else "" for language in ("zh", "en"))
        forms = spellings(zh, en, [word for _, word in words(region.get("aliases"))])
        both = sorted({taken[form] for form in forms if form in taken and taken[form] != code})
        for other in both:
            yield path, f'"{code}" and "{other}" lie side by side and are found by the same words; change one'
        taken.update(dict.fromkeys(forms, code))
        yield from _confusable_regions(region, path)
