"""The record as a document in one language: sections of grids of words, which HTML and PDF show alike.

All words are plain text; whoever shows them escapes them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

from services.plan.vocabulary import Language

Style = Literal["plain", "strong", "label", "soft", "words", "correction", "good", "bad"]
"""``label`` names what stands beside it. ``words`` are what somebody wrote; a ``correction`` puts something right."""
GridKind = Literal["facts", "entries", "table", "timeline"]


@dataclass(frozen=True, slots=True)
class Line:
    """One paragraph of a cell; ``label`` says what its words are."""

    text: str
    style: Style = "plain"
    label: str | None = None


Cell = tuple[Line, ...]
Row = tuple[Cell, ...]


@dataclass(frozen=True, slots=True)
class Column:
    """A column: its title (None where no head is shown), and its share of the width."""

    title: str | None
    share: float


@dataclass(frozen=True, slots=True)
class Grid:
    """Rows of cells. ``facts`` and ``entries`` have a label in their first column and no head."""

    kind: GridKind
    columns: tuple[Column, ...]
    rows: tuple[Row, ...]

    @property
    def headed(self) -> bool:
        """Whether it has a head that is repeated on every page."""
        return self.kind in ("table", "timeline")


@dataclass(frozen=True, slots=True)
class Section:
    """A part of the document."""

    title: str
    grids: tuple[Grid, ...]
    number: int = 0


@dataclass(frozen=True, slots=True)
class Document:
    """The whole record. ``mark`` is set for what is no real case: a drill, or the sandbox."""

    language: Language
    operator: str
    title: str
    reference: str
    status: str
    lead: str
    mark: str | None
    sections: tuple[Section, ...]
    footnotes: tuple[str, ...]

    def texts(self) -> Iterator[str]:
        """Every text in it."""
        yield from (self.operator, self.title, self.reference, self.status, self.lead, *self.footnotes)
        for section in self.sections:
            yield section.title
            for grid in section.grids:
                yield from (column.title for column in grid.columns if column.title)
                yield from (line.text for row in grid.rows for cell in row for line in cell)


FACTS = (Column(None, 0.2), Column(None, 0.8))
ENTRIES = (Column(None, 0.2), Column(None, 0.8))


def cell(*lines: Line | str | None) -> Cell:
    """A cell of lines; what is None or empty is left out."""
    made = (Line(line) if isinstance(line, str) else line for line in lines if line)
    return tuple(line for line in made if line.text)


def facts(pairs: Iterable[tuple[str, Line | str | Cell | None]]) -> Grid:
    """Labels and values; those without a value are left out."""
    rows = []
    for label, value in pairs:
        shown = value if isinstance(value, tuple) else cell(value)
        if shown:
            rows.append((cell(Line(label, "label")), shown))
    return Grid("facts", FACTS, tuple(rows))


def entries(rows: Iterable[tuple[Cell, Cell]]) -> Grid:
    """A label beside each entry."""
    return Grid("entries", ENTRIES, tuple(rows))


def table(
    columns: Iterable[tuple[str, float]], rows: Iterable[Row], kind: Literal["table", "timeline"] = "table"
) -> Grid:
    """A table with a head."""
    return Grid(kind, tuple(Column(title, share) for title, share in columns), tuple(rows))


def sections_of(titled: Iterable[tuple[str, Iterable[Grid]]]) -> tuple[Section, ...]:
    """The sections that have something to show, numbered from 1."""
    filled = [(title, tuple(grid for grid in grids if grid.rows)) for title, grids in titled]
    return tuple(
        Section(title, grids, number)
        for number, (title, grids) in enumerate(((title, grids) for title, grids in filled if grids), start=1)
    )
