"""Small pieces that every section of the record is written with: labels, moments, words with their corrections."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from services.plan.vocabulary import Language
from services.records import terms
from services.records.naming import Naming
from services.records.terms import Terms, called
from services.records.values import Correction, Entry
from web.record.document import Cell, Line, cell


class Writer:
    """Writes in one language."""

    def __init__(self, naming: Naming) -> None:
        self.naming = naming

    @property
    def language(self) -> Language:
        return self.naming.language

    def __call__(self, zh: str, en: str) -> str:
        """The text in this language."""
        return zh if self.language == "zh" else en

    def called(self, terms_: Terms, code: str | None) -> str:
        """What a code is called."""
        return called(terms_, code, self.language)

    def bilingual(self, text: Mapping[str, str] | None) -> str:
        """The text of a pair."""
        return "" if text is None else text[self.language]

    def time(self, at: datetime | None) -> str:
        """A moment in short; empty for none."""
        return "" if at is None else self.naming.stamp(at)

    def length(self, seconds: int | None) -> str:
        """A length of time; empty for none."""
        return "" if seconds is None else self.naming.length(seconds)

    def yes_no(self, value: bool) -> str:
        return self("是", "yes") if value else self("否", "no")

    def join(self, *parts: str | None) -> str:
        """Parts of a line, those that are there."""
        return self("，", ", ").join(part for part in parts if part)

    def number(self, number: int) -> str:
        """How the timeline's entries are referred to."""
        return self(f"第 {number} 条", f"no. {number}")

    def by(self, entry: Entry) -> Line:
        """Who did it."""
        return Line(self.naming.who(entry.by), "soft")

    def when(self, entry: Entry) -> Cell:
        """The moment and the number of an entry, as the label beside it."""
        return cell(self.time(entry.at), Line(self.number(entry.number), "soft"))

    def words(self, text: str | None, label: str | None = None) -> Line | None:
        """What somebody wrote; None when nothing is shown."""
        return Line(text, "words", label) if text else None

    def labelled(self, words: Mapping[str, str]) -> tuple[Line, ...]:
        """What somebody wrote, each under what it is."""
        return tuple(Line(text, "words", self.called(terms.LABELS, name)) for name, text in words.items())

    def corrections(self, corrections: tuple[Correction, ...]) -> tuple[Line, ...]:
        """The additions that put an entry right, beside it."""
        return tuple(
            Line(
                one.text or self("（内容不予显示）", "(not shown)"),
                "correction",
                self(
                    f"更正（{self.time(one.at)}，{self.naming.who(one.by)}，第 {one.number} 条）",
                    f"Correction ({self.time(one.at)}, {self.naming.who(one.by)}, no. {one.number})",
                ),
            )
            for one in corrections
        )
