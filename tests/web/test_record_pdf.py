"""The record as a PDF: that it says everything, in both languages, whatever people wrote and however much happened."""

from __future__ import annotations

import time
from dataclasses import replace
from datetime import timedelta
from io import BytesIO

import pytest
from pypdf import PdfReader
from sqlalchemy.ext.asyncio import AsyncEngine

from services.complaints.queries import Happening
from services.plan.versions import Plans
from services.plan.vocabulary import Language
from services.records.summary import Material, summarise
from tests.casework import factories
from tests.casework.factories import PRIVACY, RECEIVED_AT
from tests.web import record_cases
from tests.web.record_cases import material_of
from web.record import lines
from web.record.composing import document_of
from web.record.document import Document, Line, cell, sections_of, table
from web.record.glyphs import CHINESE, LATIN, PLACEHOLDER, glyphs_of, register, runs_of
from web.record.pdf import write_pdf
from web.record.typesetting import BOTTOM, RIGHT, TOP, typeset

register()


@pytest.fixture
async def plans(engine: AsyncEngine) -> Plans:
    made = Plans()
    await factories.sync_duty(engine, made)
    return made


def document(material: Material, language: Language = "zh") -> Document:
    return document_of(summarise(material, PRIVACY, "shown"), material.plan, material.in_force, language)


def text_of(file: bytes) -> str:
    return "\n".join(page.extract_text() for page in PdfReader(BytesIO(file)).pages)


def shown(words: str) -> Document:
    rows = [(cell(Line(words, "words", "内容")), cell("x"))]
    return Document(
        "zh", "op", "t", "RD-1", "s", "l", None, sections_of([("节", [table([("a", 0.5), ("b", 0.5)], rows)])]), ()
    )


@pytest.mark.parametrize("name", ["outage", "billing", "support"])
async def test_it_says_everything_that_the_document_says(engine: AsyncEngine, plans: Plans, name: str) -> None:
    case = await getattr(record_cases, name)(engine, plans)
    material = await material_of(engine, plans, case)

    for language in ("zh", "en"):
        record = document(material, language)
        said = "".join(text_of(write_pdf(record)).split())
        missing = [text for text in record.texts() if "".join(text.split())[:20] not in said]
        assert missing == []


async def test_every_page_names_the_case_and_its_place_among_the_pages(engine: AsyncEngine, plans: Plans) -> None:
    case = await record_cases.outage(engine, plans)
    material = await material_of(engine, plans, case)

    chinese, english = (PdfReader(BytesIO(write_pdf(document(material, language)))) for language in ("zh", "en"))

    count = len(english.pages)
    assert count > 2
    for number, page in enumerate(english.pages, start=1):
        text = page.extract_text()
        assert material.view.reference in text
        assert f"page {number} of {count}" in text
    assert f"第 1 页，共 {len(chinese.pages)} 页" in chinese.pages[0].extract_text()
    assert chinese.metadata is not None
    assert chinese.metadata.title == f"投诉处理记录 {material.view.reference}"
    assert len(chinese.outline) == len(document(material).sections)


async def test_the_same_record_gives_the_same_bytes(engine: AsyncEngine, plans: Plans) -> None:
    material = await material_of(engine, plans, await factories.received_case(engine))

    assert write_pdf(document(material)) == write_pdf(document(material))


async def test_a_thousand_events_take_seconds_and_lose_none(engine: AsyncEngine, plans: Plans) -> None:
    material = await material_of(engine, plans, await factories.received_case(engine))
    notes = [
        Happening(
            number,
            "redress.complaint.noted.v1",
            RECEIVED_AT + timedelta(minutes=number),
            "staff:xu.lei",
            {"reference": material.view.reference},
            {"text": f"备注{number}：客户来电询问进度，已告知光缆熔接仍在进行。The customer asked again."},
        )
        for number in range(2, 1001)
    ]
    many = replace(material, happenings=[*material.happenings, *notes])

    began = time.perf_counter()
    file = write_pdf(document(many))
    took = time.perf_counter() - began

    said = text_of(file)
    assert all(f"备注{number}：" in said for number in range(2, 1001))
    assert took < 20


@pytest.mark.parametrize(
    "words",
    [
        "😡👨‍👩‍👧‍👦🏳️‍🌈👍🏽 生气",
        "𠮷野家 𝟗𝟗 ﬁ ㎡ ½ € ¥ ① Ω я か 한 ا ก",
        "x" * 5_000,
        "https://example.com/" + "a/" * 2_000,
        "字" * 20_000,
        "\n\n\t第一行\r\n第二行\x00\x07\u200b\u202e",
        "<script>alert(1)</script> <b>&amp; {{ 7 * 7 }}",
        " " * 3_000,
        "",
    ],
)
def test_whatever_people_wrote_is_set(words: str) -> None:
    record = shown(words)

    file = write_pdf(record)

    assert PdfReader(BytesIO(file)).pages
    for page in typeset(record):
        for text in page.texts:
            assert BOTTOM - 1 <= text.y <= TOP
            assert text.x + lines.width_in([one for one in text.glyphs if one.text != " "], text.size) <= RIGHT + 0.1


def test_what_the_fonts_lack_is_replaced_by_a_square_and_said_so() -> None:
    said = text_of(write_pdf(shown("生气😡了")))

    assert f"生气{PLACEHOLDER}了" in said
    assert "无法显示的字符" in said
    assert "无法显示的字符" not in text_of(write_pdf(shown("生气了")))


def test_markup_is_shown_as_it_was_written() -> None:
    assert "<b>&amp; {{ 7 * 7 }}" in text_of(write_pdf(shown("<b>&amp; {{ 7 * 7 }}")))


def test_each_script_is_set_in_a_font_that_has_it() -> None:
    runs = [(run.font, run.text) for run in runs_of(glyphs_of("套餐“畅享 39”，café"))]

    assert runs == [(CHINESE, "套餐“畅享"), (LATIN, " 39"), (CHINESE, "”，"), (LATIN, "caf"), (CHINESE, "é")]
    assert [run.font for run in runs_of(glyphs_of("“quoted” – café €5"))] == [LATIN]


def test_lines_break_between_words_and_never_before_a_full_stop() -> None:
    broken = lines.broken("客户来电。客户来电。", 4 * 10, 10)
    words = lines.broken("one two three", 45, 10)

    assert ["".join(glyph.text for glyph in line) for line in broken] == ["客户来", "电。客户", "来电。"]
    assert ["".join(glyph.text for glyph in line).strip() for line in words] == ["one two", "three"]


def test_the_head_of_a_table_stands_on_every_page_that_it_covers() -> None:
    grid = table([("Head", 0.5), ("Other", 0.5)], [(cell(f"row {number}"), cell("x")) for number in range(120)])
    record = Document("en", "op", "t", "RD-1", "s", "l", None, sections_of([("Section", [grid])]), ())

    pages = typeset(record)

    assert len(pages) > 2
    for page in pages:
        texts = ["".join(glyph.text for glyph in text.glyphs) for text in page.texts]
        assert texts.count("Head") == 1


def test_no_title_of_a_section_and_no_head_of_a_table_stands_alone_at_the_foot_of_a_page() -> None:
    rows = [(cell("x"), cell("y"))]
    for filled in range(25, 45):
        above = table([("A", 0.5), ("B", 0.5)], [(cell(f"row {number}"), cell("x")) for number in range(filled)])
        below = table([("Head", 0.5), ("Other", 0.5)], rows)
        sections = sections_of([("First", [above]), ("Second", [below])])

        pages = typeset(Document("en", "op", "t", "RD-1", "s", "l", None, sections, ()))

        texts = [["".join(glyph.text for glyph in text.glyphs) for text in page.texts] for page in pages]
        assert any("2. Second" in page and "Head" in page and "y" in page for page in texts)
