"""What one part of a plan says about another: references, completeness, duplicates, and the order of deadlines.

Works on the plain data, so that a mistake of form in one section doesn't hide these mistakes in the others; what
has the wrong form is passed over here, and reported where forms are checked.
"""

from __future__ import annotations

import difflib
from collections.abc import Collection, Iterable, Iterator, Sequence
from datetime import timedelta
from typing import Any, Final

from services.plan.document import Path
from services.plan.regions import spellings
from services.plan.values import parse_duration
from services.plan.vocabulary import (
    CATEGORIES,
    CHANNELS,
    LEARNED_SIGNALS,
    REQUIRED_GROUPS,
    REQUIRED_SERVICES,
    SEVERITIES,
    STATUSES,
)

Finding = tuple[Path, str]
_Item = tuple[Path, dict[str, Any]]

_STEPS: Final = ("acknowledge", "respond", "resolve")
_UNIQUE: Final = (
    (("staff",), "login"),
    (("groups",), "code"),
    (("categories",), "code"),
    (("severities",), "code"),
    (("channels",), "code"),
    (("services",), "code"),
    (("statuses",), "code"),
    (("notices",), "kind"),
    (("judging", "signals"), "code"),
    (("standings",), "code"),
)
_COMPLETE: Final = (
    ("groups", "group", REQUIRED_GROUPS),
    ("categories", "category", CATEGORIES),
    ("severities", "severity", SEVERITIES),
    ("channels", "channel", CHANNELS),
    ("services", "service", REQUIRED_SERVICES),
    ("statuses", "status", STATUSES),
)


def contradictions(plan: dict[str, Any]) -> Iterator[Finding]:
    """Every mistake between the parts, as the path of the wrong value and what to change."""
    for where, key in _UNIQUE:
        yield from _repeated(_items(plan, *where), key)
    subcategories = [
        item for path, category in _items(plan, "categories") for item in _items(category, "subcategories", above=path)
    ]
    yield from _repeated(subcategories, "code")
    for section, noun, codes in _COMPLETE:
        yield from _incomplete(plan, section, noun, codes)
    yield from _wrong_references(plan)
    yield from _wrong_memberships(plan)
    yield from _wrong_deadlines(plan)
    yield from _wrong_thresholds(plan)
    yield from _wrong_weights(plan)
    yield from _repeated_words(plan)
    yield from _repeated(_all_regions(plan, ()), "code")
    yield from _confusable_regions(plan, ())


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """`` did you mean "x"?`` when one is close, otherwise the list of what is known."""
    candidates = [str(one) for one in known]
    close = difflib.get_close_matches(word, candidates, n=1, cutoff=0.6)
    if close:
        return f'did you mean "{close[0]}"?'
    shown = ", ".join(candidates[:12]) + (", …" if len(candidates) > 12 else "")
    return f"known: {shown}" if shown else "none is known"


def _items(data: object, *keys: str, above: Path = ()) -> list[_Item]:
    """The mappings in the list at ``keys``, with their paths; none when it isn't there or isn't a list."""
    for key in keys:
        data = data.get(key) if isinstance(data, dict) else None
    if not isinstance(data, list):
        return []
    return [((*above, *keys, at), item) for at, item in enumerate(data) if isinstance(item, dict)]


def _words(data: object) -> list[tuple[int, str]]:
    if not isinstance(data, list):
        return []
    return [(at, word) for at, word in enumerate(data) if isinstance(word, str)]


def _codes(items: Iterable[_Item], key: str) -> list[str]:
    return [code for _, item in items if isinstance(code := item.get(key), str)]


def _repeated(items: Iterable[_Item], key: str) -> Iterator[Finding]:
    seen: set[str] = set()
    for path, item in items:
        code = item.get(key)
        if not isinstance(code, str):
            continue
        if code in seen:
            yield (*path, key), f'the {key} "{code}" is taken already; choose another'
        seen.add(code)


def _incomplete(plan: dict[str, Any], section: str, noun: str, codes: Sequence[str]) -> Iterator[Finding]:
    if not isinstance(plan.get(section), list):
        return
    there = set(_codes(_items(plan, section), "code"))
    for code in codes:
        if code not in there:
            yield (section,), f'the {noun} "{code}" is missing; add it'


def _wrong_references(plan: dict[str, Any]) -> Iterator[Finding]:
    logins = _codes(_items(plan, "staff"), "login")
    groups = _codes(_items(plan, "groups"), "code")
    signals = _codes(_items(plan, "judging", "signals"), "code")
    for path, group in _items(plan, "groups"):
        for key in ("head", "deputy"):
            yield from _unknown((*path, key), group.get(key), logins, "member of staff")
        for at, login in _words(group.get("members")):
            yield from _unknown((*path, "members", at), login, logins, "member of staff")
    for path, category in _items(plan, "categories"):
        yield from _unknown((*path, "group"), category.get("group"), groups, "group")
    judging = plan.get("judging")
    reportable = judging.get("reportable") if isinstance(judging, dict) else None
    for at, signal in _words(reportable.get("signals")) if isinstance(reportable, dict) else ():
        yield from _unknown(("judging", "reportable", "signals", at), signal, signals, "signal")


def _unknown(path: Path, word: object, known: Collection[str], noun: str) -> Iterator[Finding]:
    # Nothing is known only when the section itself is missing or malformed, which is reported there.
    if isinstance(word, str) and known and word not in known:
        yield path, f'"{word}" is no {noun}; {did_you_mean(word, known)}'


def _wrong_memberships(plan: dict[str, Any]) -> Iterator[Finding]:
    placed: set[str] = set()
    for path, group in _items(plan, "groups"):
        seen: set[str] = set()
        listed: list[tuple[Path, object]] = [((*path, key), group.get(key)) for key in ("head", "deputy")]
        listed += [((*path, "members", at), login) for at, login in _words(group.get("members"))]
        for where, login in listed:
            if not isinstance(login, str):
                continue
            if login in seen:
                yield where, f'"{login}" is in this group already; list everybody once'
            seen.add(login)
        placed |= seen
    if not placed:
        return
    for path, person in _items(plan, "staff"):
        login = person.get("login")
        if isinstance(login, str) and login not in placed:
            yield path, f'"{login}" is in no group; add them to one, or take them out of the staff'


def _wrong_deadlines(plan: dict[str, Any]) -> Iterator[Finding]:
    deadlines = plan.get("deadlines")
    if not isinstance(deadlines, dict):
        return
    for category in ("default", *CATEGORIES):
        by_severity = deadlines.get(category)
        if isinstance(by_severity, dict):
            for severity in SEVERITIES:
                yield from _wrong_order(("deadlines", category, severity), by_severity.get(severity))
    for category in CATEGORIES:
        for severity in SEVERITIES:
            if not any(_has(deadlines.get(source), severity) for source in (category, "default")):
                yield (
                    ("deadlines", category),
                    f'the severity "{severity}" has no deadlines; write them here or under default',
                )


def _has(by_severity: object, severity: str) -> bool:
    return isinstance(by_severity, dict) and by_severity.get(severity) is not None


def _wrong_order(path: Path, deadline: object) -> Iterator[Finding]:
    if not isinstance(deadline, dict):
        return
    previous: tuple[str, timedelta] | None = None
    for step in _STEPS:
        try:
            length = parse_duration(deadline.get(step))
        except ValueError:
            continue
        if previous is not None and length < previous[1]:
            earlier = f"{previous[0]} ({deadline[previous[0]]})"
            yield (*path, step), f"{step} ({deadline[step]}) is shorter than {earlier}; it comes later"
        previous = (step, length)


def _wrong_thresholds(plan: dict[str, Any]) -> Iterator[Finding]:
    judging = plan.get("judging")
    thresholds = judging.get("severity_thresholds") if isinstance(judging, dict) else None
    if not isinstance(thresholds, dict):
        return
    for graver, lesser in (("critical", "major"), ("major", "minor")):
        high, low = thresholds.get(graver), thresholds.get(lesser)
        if isinstance(high, int | float) and isinstance(low, int | float) and high <= low:
            path = ("judging", "severity_thresholds", graver)
            yield path, f"{graver} ({high}) must be above {lesser} ({low})"


def _wrong_weights(plan: dict[str, Any]) -> Iterator[Finding]:
    """What severity weighs by: kinds of trouble and standings of customers that the plan knows."""
    subcategories = [sub for _, category in _items(plan, "categories") for sub in _items(category, "subcategories")]
    troubles = [*CATEGORIES, *_codes(subcategories, "code")]
    judging = plan.get("judging")
    base = judging.get("base") if isinstance(judging, dict) else None
    for code in base if isinstance(base, dict) else ():
        yield from _unknown(("judging", "base", code), code, troubles, "category or sub-category")
    # Without a list of standings every one is unknown.
    standings = _codes(_items(plan, "standings"), "code") or ["none in this plan; add a list of standings"]
    for path, signal in _items(plan, "judging", "signals"):
        if signal.get("learned") is not None and signal.get("code") not in LEARNED_SIGNALS:
            yield (*path, "learned"), f"the model hears {', '.join(LEARNED_SIGNALS)} only; take this out"
        for at, standing in _words(signal.get("standings")):
            yield from _unknown((*path, "standings", at), standing, standings, "standing")


def _repeated_words(plan: dict[str, Any]) -> Iterator[Finding]:
    """A way to answer, a language or a phrase that stands twice in one list."""
    lists: list[tuple[Path, object]] = []
    lists += [((*path, "answer_by"), channel.get("answer_by")) for path, channel in _items(plan, "channels")]
    lists += [((*path, "languages"), person.get("languages")) for path, person in _items(plan, "staff")]
    for path, signal in _items(plan, "judging", "signals"):
        phrases = signal.get("phrases")
        if isinstance(phrases, dict):
            lists += [((*path, "phrases", language), phrases.get(language)) for language in ("zh", "en")]
    for path, words in lists:
        seen: set[str] = set()
        for at, word in _words(words):
            if word in seen:
                yield (*path, at), f'"{word}" stands here twice; keep one'
            seen.add(word)


def _all_regions(data: dict[str, Any], above: Path) -> Iterator[_Item]:
    key = "children" if above else "regions"
    for path, region in _items(data, key, above=above):
        yield path, region
        yield from _all_regions(region, path)


def _confusable_regions(data: dict[str, Any], above: Path) -> Iterator[Finding]:
    """Regions of one parent that the same words would find."""
    taken: dict[str, str] = {}
    for path, region in _items(data, "children" if above else "regions", above=above):
        code = str(region.get("code"))
        name = region.get("name")
        zh, en = (str(name.get(language, "")) if isinstance(name, dict) else "" for language in ("zh", "en"))
        forms = spellings(zh, en, [word for _, word in _words(region.get("aliases"))])
        both = sorted({taken[form] for form in forms if form in taken and taken[form] != code})
        for other in both:
            yield path, f'"{code}" and "{other}" lie side by side and are found by the same words; change one'
        taken.update(dict.fromkeys(forms, code))
        yield from _confusable_regions(region, path)
