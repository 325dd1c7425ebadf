"""Sets a document on pages: where each line, rule and box stands. Nothing is drawn here.

Rows that do not fit are moved to the next page when they are short, and broken between lines when they are long; the
head of a table is repeated.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

from web.record import lines
from web.record.document import Cell, Column, Document, Grid, Row, Section, Style
from web.record.document import Line as Paragraph
from web.record.glyphs import Glyph

WIDTH: Final = 595.28
HEIGHT: Final = 841.89
LEFT: Final = 48.0
RIGHT: Final = WIDTH - 48.0
TOP: Final = HEIGHT - 62.0
BOTTOM: Final = 56.0

INK: Final = "#1c2430"
SOFT: Final = "#5b6675"
LINE: Final = "#d8dee6"
HEAD: Final = "#eef2f7"
MARK: Final = "#12478a"
GOOD: Final = "#17694a"
BAD: Final = "#a32020"
WORDS: Final = "#f4f6f8"
FIX: Final = "#fff3cf"
FIX_LINE: Final = "#c98a00"

_PAD_X: Final = 5.0
_PAD_Y: Final = 3.2
_BOX_INDENT: Final = 8.0
_GAP: Final = 2.5
# A row up to this high is moved to the next page rather than broken.
_MOVED: Final = 170.0
_KEPT_TOGETHER: Final = 62.0


@dataclass(frozen=True, slots=True)
class Look:
    """How a paragraph looks."""

    size: float
    leading: float
    colour: str
    bold: bool = False
    box: tuple[str, str] | None = None
    """The colours of the background and of the bar on its left."""


_LOOKS: Final[dict[Style, Look]] = {
    "plain": Look(9.3, 13.6, INK),
    "strong": Look(9.3, 13.6, INK, bold=True),
    "label": Look(8.8, 13.6, SOFT),
    "soft": Look(8.2, 12.0, SOFT),
    "good": Look(9.3, 13.6, GOOD),
    "bad": Look(9.3, 13.6, BAD, bold=True),
    "words": Look(9.0, 13.2, INK, box=(WORDS, LINE)),
    "correction": Look(9.0, 13.2, INK, box=(FIX, FIX_LINE)),
}
_LABEL: Final = Look(7.8, 12.0, SOFT, bold=True)
_COLUMN_HEAD: Final = Look(8.4, 12.4, INK, bold=True)
_SECTION: Final = Look(11.5, 16.0, MARK, bold=True)
_TITLE: Final = Look(18.0, 25.0, INK, bold=True)
_REFERENCE: Final = Look(12.5, 18.0, MARK, bold=True)


@dataclass(frozen=True, slots=True)
class TextAt:
    """One line of text; ``y`` is its baseline."""

    x: float
    y: float
    glyphs: Sequence[Glyph]
    size: float
    colour: str
    bold: bool


@dataclass(frozen=True, slots=True)
class BoxAt:
    """A filled rectangle; ``y`` is its lower edge."""

    x: float
    y: float
    width: float
    height: float
    colour: str


@dataclass(frozen=True, slots=True)
class Page:
    """What stands on one page, and the titles of the sections that begin there with their height."""

    boxes: list[BoxAt] = field(default_factory=list)
    texts: list[TextAt] = field(default_factory=list)
    sections: list[tuple[str, float]] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Set:
    """A line that was broken, and not placed yet. ``above`` is space over it, outside its box."""

    glyphs: Sequence[Glyph]
    look: Look
    box: tuple[str, str] | None
    above: float

    @property
    def height(self) -> float:
        return self.look.leading + self.above


def typeset(document: Document) -> list[Page]:
    """The pages of a document, without what every page has at its head and foot."""
    sheet = _Sheet()
    _head(sheet, document)
    for section in document.sections:
        _section(sheet, section)
    _foot(sheet, document)
    return sheet.pages


def _foot(sheet: _Sheet, document: Document) -> None:
    look = _LOOKS["soft"]
    count = sum(len(lines.broken(note, RIGHT - LEFT, look.size)) for note in document.footnotes)
    if sheet.left < 16 + count * look.leading:
        sheet.turn()
    sheet.skip(10)
    sheet.rule(LINE)
    sheet.down(6)
    for note in document.footnotes:
        sheet.paragraph(note, look)


class _Sheet:
    """The pages so far, and how far down the last one is filled."""

    def __init__(self) -> None:
        self.pages = [Page()]
        self._y = TOP

    @property
    def left(self) -> float:
        """How much room is left on this page."""
        return self._y - BOTTOM

    @property
    def page(self) -> Page:
        return self.pages[-1]

    @property
    def y(self) -> float:
        return self._y

    def turn(self) -> None:
        """Begin the next page."""
        self.pages.append(Page())
        self._y = TOP

    def skip(self, height: float) -> None:
        """Leave room, unless the page has just begun."""
        if self._y < TOP:
            self._y -= height

    def down(self, height: float) -> None:
        """Go down by what was placed."""
        self._y -= height

    def rule(self, colour: str, thickness: float = 0.6) -> None:
        """A line across the page."""
        self.page.boxes.append(BoxAt(LEFT, self._y - thickness, RIGHT - LEFT, thickness, colour))

    def paragraph(self, text: str, look: Look) -> None:
        """A paragraph across the page."""
        for glyphs in lines.broken(text, RIGHT - LEFT, look.size, bold=look.bold):
            if self.left < look.leading:
                self.turn()
            self.place(_Set(glyphs, look, None, 0), LEFT, self._y, RIGHT - LEFT)
            self._y -= look.leading

    def place(self, line: _Set, x: float, top: float, width: float) -> None:
        """A line whose upper edge is at ``top``, with its box."""
        look, top = line.look, top - line.above
        if line.box is not None:
            back, bar = line.box
            self.page.boxes.append(BoxAt(x, top - look.leading, width, look.leading, back))
            self.page.boxes.append(BoxAt(x, top - look.leading, 2.0, look.leading, bar))
            x += _BOX_INDENT
        baseline = top - look.leading + (look.leading - look.size) / 2 + look.size * 0.2
        self.page.texts.append(TextAt(x, baseline, line.glyphs, look.size, look.colour, look.bold))


def _head(sheet: _Sheet, document: Document) -> None:
    if document.mark is not None:
        sheet.paragraph(document.mark, _LOOKS["bad"])
    sheet.paragraph(document.operator, _LOOKS["soft"])
    sheet.paragraph(document.title, _TITLE)
    sheet.paragraph(f"{document.reference}    {document.status}", _REFERENCE)
    sheet.paragraph(document.lead, _LOOKS["plain"])
    sheet.down(5)
    sheet.rule(MARK, 1.2)


def _section(sheet: _Sheet, section: Section) -> None:
    sheet.skip(15)
    if sheet.left < _SECTION.leading + 3 + _beginning(section.grids[0]):
        sheet.turn()
    title = f"{section.number}. {section.title}"
    sheet.page.sections.append((title, sheet.y))
    sheet.paragraph(title, _SECTION)
    sheet.down(3)
    for place, grid in enumerate(section.grids):
        if place:
            sheet.skip(7)
        _grid(sheet, grid)


def _grid(sheet: _Sheet, grid: Grid) -> None:
    widths = _widths(grid)
    head = _broken_head(grid.columns, widths) if grid.headed else None
    if head is not None:
        if sheet.left < _beginning(grid):
            sheet.turn()
        _place_head(sheet, head, widths)
    else:
        sheet.rule(LINE)
    for row in grid.rows:
        _row(sheet, _broken_row(row, widths), widths, head)


def _beginning(grid: Grid) -> float:
    """The room that a grid needs to begin on a page: its head and its first row, or a good part of that."""
    widths = _widths(grid)
    head = max(map(_height, _broken_head(grid.columns, widths))) + 2 * _PAD_Y if grid.headed else 0.0
    first = max(map(_height, _broken_row(grid.rows[0], widths))) + 2 * _PAD_Y
    return head + min(first, _MOVED)


def _widths(grid: Grid) -> list[float]:
    return [column.share * (RIGHT - LEFT) for column in grid.columns]


def _broken_row(row: Row, widths: Sequence[float]) -> list[list[_Set]]:
    return [_broken_cell(one, width - 2 * _PAD_X) for one, width in zip(row, widths, strict=True)]


def _broken_head(columns: Sequence[Column], widths: Sequence[float]) -> list[list[_Set]]:
    return [
        [
            _Set(line, _COLUMN_HEAD, None, 0)
            for line in lines.broken(column.title or "", width - 2 * _PAD_X, 8.4, bold=True)
        ]
        for column, width in zip(columns, widths, strict=True)
    ]


def _place_head(sheet: _Sheet, head: list[list[_Set]], widths: Sequence[float]) -> None:
    height = max(map(_height, head)) + 2 * _PAD_Y
    sheet.page.boxes.append(BoxAt(LEFT, sheet.y - height, RIGHT - LEFT, height, HEAD))
    _place_row(sheet, head, widths)


def _row(sheet: _Sheet, cells: list[list[_Set]], widths: Sequence[float], head: list[list[_Set]] | None) -> None:
    """Place a row, over as many pages as it takes."""
    while any(cells):
        needed = max(map(_height, cells)) + 2 * _PAD_Y
        if needed <= sheet.left:
            _place_row(sheet, cells, widths)
            return
        room = sheet.left - 2 * _PAD_Y
        fresh = sheet.y >= TOP - 40
        if fresh or (needed > _MOVED and room > _KEPT_TOGETHER):
            parts = [_split(one, room) for one in cells]
            _place_row(sheet, [first for first, _ in parts], widths)
            cells = [rest for _, rest in parts]
        sheet.turn()
        if head is not None:
            _place_head(sheet, head, widths)


def _place_row(sheet: _Sheet, cells: list[list[_Set]], widths: Sequence[float]) -> None:
    x, top = LEFT, sheet.y - _PAD_Y
    for cell, width in zip(cells, widths, strict=True):
        y = top
        for line in cell:
            sheet.place(line, x + _PAD_X, y, width - 2 * _PAD_X)
            y -= line.height
        x += width
    sheet.down(max(map(_height, cells), default=0) + 2 * _PAD_Y)
    sheet.rule(LINE)


def _split(cell: list[_Set], room: float) -> tuple[list[_Set], list[_Set]]:
    """The lines that fit into the room, and the rest."""
    used = 0.0
    for place, line in enumerate(cell):
        used += line.height
        if used > room:
            return cell[:place], cell[place:]
    return cell, []


def _height(cell: Sequence[_Set]) -> float:
    return sum(line.height for line in cell)


def _broken_cell(cell: Cell, width: float) -> list[_Set]:
    found: list[_Set] = []
    for paragraph in cell:
        boxed = _LOOKS[paragraph.style].box is not None or (bool(found) and found[-1].box is not None)
        found += _broken(paragraph, width, _GAP if found and boxed else 0.0)
    return found


def _broken(paragraph: Paragraph, width: float, above: float) -> Iterator[_Set]:
    look = _LOOKS[paragraph.style]
    if look.box is not None:
        width -= _BOX_INDENT + 4
    if paragraph.label:
        for glyphs in lines.broken(paragraph.label, width, _LABEL.size, bold=True):
            yield _Set(glyphs, _LABEL, look.box, above)
            above = 0.0
    for glyphs in lines.broken(paragraph.text, width, look.size, bold=look.bold):
        yield _Set(glyphs, look, look.box, above)
        above = 0.0
