"""The record as a PDF of A4 pages. It takes Python alone: no browser, no fonts of the system.

The same document gives the same bytes. Drawing is work for the processor: call it off the event loop.
"""

from __future__ import annotations

from collections.abc import Sequence
from io import BytesIO
from typing import Any, Final

from reportlab.lib.colors import HexColor
from reportlab.pdfgen.canvas import Canvas

from web.record import lines
from web.record.document import Document
from web.record.glyphs import CHINESE, PLACEHOLDER, Glyph, glyphs_of, lacks, register, runs_of, width_of
from web.record.typesetting import BAD, BOTTOM, HEIGHT, LEFT, LINE, RIGHT, SOFT, TOP, WIDTH, Page, TextAt, typeset

_SMALL: Final = 8.0
# STSong-Light has no bold cut; its outlines are drawn over by this share of the size.
_BOLDER: Final = 0.032


def write_pdf(document: Document) -> bytes:
    """The PDF of a document."""
    register()
    document = _with_note(document)
    pages = typeset(document)
    file = BytesIO()
    tag = "zh-CN" if document.language == "zh" else "en"
    canvas = Canvas(file, pagesize=(WIDTH, HEIGHT), pageCompression=1, invariant=1, lang=tag)
    canvas.setTitle(f"{document.title} {document.reference}")
    canvas.setAuthor(document.operator)
    canvas.setSubject(document.lead)
    canvas.setCreator("Redress")
    for number, page in enumerate(pages, start=1):
        _draw(canvas, page)
        _draw_margins(canvas, document, number, len(pages))
        canvas.showPage()
    canvas.save()
    return file.getvalue()


def _with_note(document: Document) -> Document:
    """The document with a word on what the placeholder stands for, where it stands for something."""
    if not any(map(lacks, document.texts())):
        return document
    note = (
        f"{PLACEHOLDER} 代表本文件字体无法显示的字符；原文见 JSON 或网页版记录。"
        if document.language == "zh"
        else f"{PLACEHOLDER} stands for a character that this file's fonts lack; the JSON and HTML forms of the record "
        "have it."
    )
    return Document(
        document.language,
        document.operator,
        document.title,
        document.reference,
        document.status,
        document.lead,
        document.mark,
        document.sections,
        (*document.footnotes, note),
    )


def _draw(canvas: Any, page: Page) -> None:
    for box in page.boxes:
        canvas.setFillColor(HexColor(box.colour))
        canvas.rect(box.x, box.y, box.width, box.height, stroke=0, fill=1)
    for text in page.texts:
        _draw_text(canvas, text)
    for title, y in page.sections:
        canvas.bookmarkHorizontal(title, 0, y)
        canvas.addOutlineEntry(title, title)


def _draw_text(canvas: Any, text: TextAt) -> None:
    colour = HexColor(text.colour)
    x = text.x
    for run in runs_of(list(text.glyphs)):
        written = canvas.beginText(x, text.y)
        written.setFont(run.font, text.size)
        written.setFillColor(colour)
        bolder = text.bold and run.font == CHINESE
        if bolder:
            canvas.setLineWidth(text.size * _BOLDER)
            written.setStrokeColor(colour)
            written.setTextRenderMode(2)
        written.textOut(run.text)
        if bolder:
            written.setTextRenderMode(0)
        canvas.drawText(written)
        x += sum(width_of(Glyph(char, run.font)) for char in run.text) * text.size


def _draw_margins(canvas: Any, document: Document, number: int, count: int) -> None:
    top = TOP + 22
    _draw_line(canvas, glyphs_of(f"{document.operator}  {document.title}"), LEFT, top)
    _draw_line(canvas, glyphs_of(document.reference), RIGHT, top, align_right=True)
    canvas.setFillColor(HexColor(LINE))
    canvas.rect(LEFT, top - 7, RIGHT - LEFT, 0.6, stroke=0, fill=1)
    page = f"第 {number} 页，共 {count} 页" if document.language == "zh" else f"page {number} of {count}"
    _draw_line(canvas, glyphs_of(document.reference), LEFT, BOTTOM - 26)
    _draw_line(canvas, glyphs_of(page), RIGHT, BOTTOM - 26, align_right=True)
    if document.mark is not None:
        marked = glyphs_of(document.mark, bold=True)
        middle = WIDTH / 2 + lines.width_in(marked, _SMALL) / 2
        _draw_line(canvas, marked, middle, BOTTOM - 26, align_right=True, colour=BAD)


def _draw_line(
    canvas: Any, glyphs: Sequence[Glyph], x: float, y: float, *, align_right: bool = False, colour: str = SOFT
) -> None:
    if align_right:
        x -= lines.width_in(list(glyphs), _SMALL)
    _draw_text(canvas, TextAt(x, y, glyphs, _SMALL, colour, False))
