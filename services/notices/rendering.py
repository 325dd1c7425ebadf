"""The words of a notice: one template per kind and language, filled with the facts as they were frozen.

A template's first line is ``Subject: …``; the text follows after an empty line. Templates are plain text, run in
Jinja's sandbox, and a fact that is missing is an error rather than a gap in the letter.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from importlib import resources
from typing import Final

from jinja2 import StrictUndefined, Template
from jinja2.sandbox import SandboxedEnvironment

from services.notices.events import KINDS
from services.plan.vocabulary import LANGUAGES, Language

_MONTHS: Final = (
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
)
_SUBJECT: Final = "Subject: "


@dataclass(frozen=True, slots=True)
class Letter:
    """What the customer reads. The subject is one line."""

    subject: str
    text: str


class Letters:
    """All templates, compiled once."""

    def __init__(self) -> None:
        self._templates: dict[tuple[str, str], tuple[Template, Template]] = {
            (kind, language): _load(_environment(language), kind, language) for kind in KINDS for language in LANGUAGES
        }

    def write(self, kind: str, language: str, facts: Mapping[str, object]) -> Letter:
        """The letter of this kind. ``language`` is a tag: Chinese for ``zh`` and its variants, else English.

        Raises ``jinja2.UndefinedError`` when the template names a fact that is not there, ``KeyError`` for a kind
        without a template.
        """
        subject, text = self._templates[kind, language_of(language)]
        return Letter(" ".join(subject.render(facts).split()), text.render(facts).strip() + "\n")


def language_of(tag: str) -> Language:
    """The language in which a customer is written to: Chinese for ``zh`` and its variants, English for every other."""
    return "zh" if tag[:2].lower() == "zh" else "en"


def moment(value: str | datetime, language: str) -> str:
    """A time as people write it, on the clock of its own offset: ``2026年11月24日 10:30``, ``24 November 2026, 10:30``.

    A string is in the form of ISO 8601.
    """
    time = datetime.fromisoformat(value) if isinstance(value, str) else value
    if language == "zh":
        return f"{time.year}年{time.month}月{time.day}日 {time:%H:%M}"
    return f"{time.day} {_MONTHS[time.month - 1]} {time.year}, {time:%H:%M}"


def duration(value: float | timedelta, language: str) -> str:
    """A length of time (a number is in seconds), rounded up to whole days, or to hours when shorter than two days."""
    seconds = value.total_seconds() if isinstance(value, timedelta) else value
    hours = -int(-seconds // 3600)
    if hours >= 48 or hours % 24 == 0:
        count, chinese, english = -(-hours // 24), "天", "day"
    else:
        count, chinese, english = hours, "小时", "hour"
    if language == "zh":
        return f"{count} {chinese}"
    return f"{count} {english}" if count == 1 else f"{count} {english}s"


def money(amount: str, currency: str, language: str) -> str:
    """An amount as it was decided, with its currency as people write it: ``人民币 59.00 元``, ``CNY 59.00``."""
    if language == "zh" and currency == "CNY":
        return f"人民币 {amount} 元"
    return f"{currency} {amount}"


def _environment(language: Language) -> SandboxedEnvironment:
    # Letters are plain text: escaping for HTML would put &amp; into them.
    environment = SandboxedEnvironment(undefined=StrictUndefined, autoescape=False)
    environment.filters["moment"] = partial(moment, language=language)
    environment.filters["duration"] = partial(duration, language=language)
    environment.filters["money"] = partial(money, language=language)
    return environment


def _load(environment: SandboxedEnvironment, kind: str, language: Language) -> tuple[Template, Template]:
    file = resources.files("services.notices").joinpath("templates", language, f"{kind}.txt")
    subject, _, text = file.read_text(encoding="utf-8").partition("\n")
    if not subject.startswith(_SUBJECT):
        raise ValueError(f"the template {language}/{kind}.txt must begin with '{_SUBJECT}'")
    return environment.from_string(subject.removeprefix(_SUBJECT)), environment.from_string(text)
