"""Notices as customers would read them, made from the examples of their facts: `redress notices preview`."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import Final, TypeVar, get_args

from services.base.errors import Invalid, Misconfigured
from services.notices.channels.port import Rejected, Way, Words
from services.notices.kinds import example
from services.notices.kinds import variants as variants_of
from services.notices.overrides import EXAMPLE_ABOUT, parts_of
from services.notices.rendering import Letters, Part
from services.plan.findings import did_you_mean
from services.plan.schema import Plan
from services.plan.templates import LAYOUT
from services.plan.vocabulary import LANGUAGES, Language, NoticeKind

WAYS: Final[tuple[Way, ...]] = get_args(Way)
_MOST_VARIANTS: Final = 200
_Choice = TypeVar("_Choice", bound=str)


@dataclass(frozen=True, slots=True)
class Shown:
    """One notice. ``name`` is its template, ``source`` where its words are from; ``length`` is of text messages."""

    name: str
    way: Way
    source: str
    words: Words
    length: str | None = None
    number: int = 1


def shown(
    plan: Plan, *, kind: str | None, language: str | None, way: str | None, variants: bool = False
) -> Iterator[Shown]:
    """The notices asked for, one way after the other; all of what is None. Raises `Invalid` for what isn't known."""
    kinds = _chosen(kind, get_args(NoticeKind), "kind of notice")
    languages = _chosen(language, LANGUAGES, "language")
    letters = Letters(plan.templates)
    for one_way in _chosen(way, WAYS, "way"):
        for one_kind in kinds:
            for one_language in languages:
                yield from _of_kind(plan, letters, one_way, one_kind, one_language, variants)


def write_html(folder: Path, one: Shown) -> Path:
    """Write the mail's HTML; returns the file. Raises `Misconfigured`."""
    number = f"-{one.number}" if one.number > 1 else ""
    file = folder / f"{one.name.replace('/', '-')}{number}.html"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        file.write_text(one.words.html or "", encoding="utf-8")
    except OSError as error:
        raise Misconfigured(f"the HTML can't be written to {folder}: {error}") from error
    return file


def _of_kind(plan: Plan, letters: Letters, way: Way, kind: str, language: Language, variants: bool) -> Iterator[Shown]:
    own = {"operator": plan.plan.operator.in_language(language)}
    every = islice(variants_of(kind, language), _MOST_VARIANTS) if variants else [example(kind, language)]
    seen: list[Words] = []
    for facts in every:
        about = replace(EXAMPLE_ABOUT[language], answerable=True)
        words = letters.write(way, language, [Part(kind, facts | own)], about)
        if words in seen:
            continue
        seen.append(words)
        length = _length(words.text) if way == "sms" else None
        yield Shown(f"{language}/{way}/{kind}", way, _source(plan, language, way, kind), words, length, len(seen))


def _source(plan: Plan, language: Language, way: Way, kind: str) -> str:
    """Whose words they are: templates of the plan itself, where it has any for this notice."""
    forms = ("txt", "html") if way == "email" else ("txt",)
    ways = ("webhook", "sms") if way == "webhook" else (way,)
    names = [f"{language}/{one}/{name}.{form}" for one in ways for name in (kind, LAYOUT) for form in forms]
    own = [name for name in names if name in plan.templates]
    return f"with {', '.join(own)} of the plan" if own else "as shipped"


def _length(text: str) -> str:
    try:
        parts = parts_of(text)
    except Rejected as error:
        return f"{len(text)} characters: {error}"
    return f"{len(text)} characters with the link, {parts} text message{'' if parts == 1 else 's'}"


def _chosen(wanted: str | None, known: Collection[_Choice], noun: str) -> list[_Choice]:
    chosen = [one for one in known if wanted is None or one == wanted]
    if not chosen:
        raise Invalid(f'"{wanted}" is no {noun}; {did_you_mean(str(wanted), known)}')
    return chosen
