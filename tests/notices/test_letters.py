"""The words of notices."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from html.parser import HTMLParser
from itertools import product
from types import MappingProxyType
from typing import get_args

import pytest
from jinja2 import UndefinedError

from services.notices.channels.port import Way, Words
from services.notices.events import KINDS
from services.notices.kinds import OF_KINDS, SURVEYS, example, variants
from services.notices.overrides import mistakes_in, parts_of
from services.notices.rendering import About, Letters, Part
from services.plan.vocabulary import LANGUAGES, Language

WAYS: tuple[Way, ...] = get_args(Way)
TRACK, SURVEY = "https://care.example.com/track/abc", "https://care.example.com/survey/xyz"
LETTERS = Letters()
LATER, EARLIER = "2026-11-24T18:00:00+08:00", "2026-11-24T10:30:00+08:00"


def letter(
    kind: str,
    language: Language = "zh",
    way: Way = "email",
    *,
    name: str = "李伟",
    answerable: bool = False,
    letters: Letters = LETTERS,
    facts: Mapping[str, object] = MappingProxyType({}),
) -> Words:
    """A letter with the example's facts, some of them changed."""
    part = Part(kind, {**example(kind, language), **facts})
    return letters.write(way, language, [part], about(kind, name, answerable))


def about(kind: str, name: str = "李伟", answerable: bool = False) -> About:
    return About(name, TRACK, answerable, SURVEY if kind in SURVEYS else None)


def test_every_kind_declares_its_facts() -> None:
    assert OF_KINDS.keys() == set(KINDS)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_is_written_in_every_language_for_every_way(kind: str, language: Language, way: Way) -> None:
    link = SURVEY if kind in SURVEYS else TRACK
    for facts, answerable in product(variants(kind, language), (True, False)):
        words = LETTERS.write(way, language, [Part(kind, facts)], about(kind, answerable=answerable))

        assert "RD-7K3M-9PQ2-X" in words.subject
        assert "\n" not in words.subject
        assert "RD-7K3M-9PQ2-X" in words.text
        assert link in words.text
        assert "\n\n\n" not in words.text
        for unwanted in ("None", "{", "}", "  ", " \n", "。。", "..", "，，", "，。", " ,", " 。"):
            assert unwanted not in words.text


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("kind", KINDS)
def test_a_mail_says_the_same_as_html_without_anything_from_elsewhere(kind: str, language: Language) -> None:
    words = letter(kind, language, name="李<b>伟&")

    assert words.html is not None
    page = Page(words.html)
    assert page.language == {"zh": "zh-CN", "en": "en"}[language]
    assert page.title == words.subject
    assert "李<b>伟&" in page.text
    assert set(page.links) == ({TRACK, SURVEY} if kind in SURVEYS else {TRACK})
    assert page.tags.isdisjoint({"img", "script", "link", "iframe", "style", "form"})
    for line in words.text.split("\n\n")[1].splitlines():
        assert line in page.text


@pytest.mark.parametrize(("language", "operator"), [("zh", "【示例电信】"), ("en", "Example Telecom: ")])
@pytest.mark.parametrize("kind", KINDS)
def test_a_text_message_is_signed_ends_with_its_link_and_is_short(kind: str, language: Language, operator: str) -> None:
    for facts, answerable in product(variants(kind, language), (True, False)):
        link = about(kind).survey_url or TRACK
        text = LETTERS.write("sms", language, [Part(kind, facts)], about(kind, answerable=answerable)).text

        assert text.startswith(operator)
        assert text.endswith(link)
        assert "\n" not in text
        assert parts_of(text.removesuffix(link)) <= 2
        assert language == "zh" or text.isascii()


@pytest.mark.parametrize("language", LANGUAGES)
def test_however_much_people_wrote_a_text_message_stays_short_and_leads_to_the_rest(language: Language) -> None:
    many = "小区主干光缆已重新熔接，" * 400 + "。\n\n😀" if language == "zh" else "The cable has been spliced. " * 200
    name = "长" * 1000
    for kind, fact in {
        "result": "resolution",
        "explanation": "text",
        "question": "question",
        "rights": "rights",
    }.items():
        words = letter(kind, language, "sms", name=name, facts={fact: many})

        assert parts_of(words.text) <= 4
        assert ("…" if language == "zh" else "...") in words.text
        assert words.text.endswith(TRACK)
        assert many.strip() in letter(kind, language, "email", name=name, facts={fact: many.strip()}).text


def test_a_missing_fact_is_an_error_and_not_a_gap() -> None:
    facts = example("result", "zh")
    del facts["resolution"]

    for way in WAYS:
        with pytest.raises(UndefinedError, match="resolution"):
            LETTERS.write(way, "zh", [Part("result", facts)], about("result"))


def test_a_notice_that_was_written_down_before_there_was_such_a_fact_is_told_without_it() -> None:
    facts = example("result", "zh")
    del facts["rights"]

    assert "12300" not in LETTERS.write("email", "zh", [Part("result", facts)], about("result")).text


def test_an_estimate_that_moves_back_is_apologised_for_with_the_one_before() -> None:
    facts = {"estimated_repair_at": LATER, "previous": EARLIER, "later": True}

    chinese, english = letter("estimate", "zh", facts=facts), letter("estimate", "en", facts=facts)

    assert "非常抱歉" in chinese.text
    assert "原预计修复时间：2026年11月24日 10:30\n现预计修复时间：2026年11月24日 18:00\n变更原因：" in chinese.text
    assert "We are sorry" in english.text
    assert "Estimated before: 24 November 2026, 10:30" in english.text


def test_an_estimate_that_moves_forward_is_no_reason_to_apologise() -> None:
    facts = {"estimated_repair_at": EARLIER, "previous": LATER, "later": False}

    for way in WAYS:
        assert "抱歉" not in letter("estimate", "zh", way, facts=facts).text
        assert "sorry" not in letter("estimate", "en", way, facts=facts).text


# kind; facts beside the example's; what must stand in the Chinese mail and in the English one
ESSENTIAL: list[tuple[str, Mapping[str, object], str, str]] = [
    ("acknowledgement", {}, "首次答复：预计不晚于 2026年11月24日 18:00", "First answer: by 24 November 2026, 18:00"),
    ("visit", {}, "时间为 2026年11月24日 18:00", "send somebody to you on 24 November 2026, 18:00"),
    ("result", {}, "7 天内我们没有收到您的异议", "if we hear nothing within 7 days"),
    ("result", {}, "12300", "12300"),
    ("estimate_missed", {}, "预计在 2026年11月24日 18:00 前修复", "repaired by 24 November 2026, 18:00"),
    ("estimate_missed", {}, "现在时间已过，故障仍未修复", "That time has passed and it is not repaired yet"),
    ("estimate_missed", {}, "重新确定修复时间后，我们会马上通知您", "As soon as we have a new time, you will hear it"),
    ("repaired", {"late": True}, "晚于我们此前告知您的时间，非常抱歉", "later than we had told you, and we are sorry"),
    ("compensation", {}, "补偿方式：退还费用\n补偿金额：人民币 59.00 元", "Compensation: a refund\nAmount: CNY 59.00"),
    ("compensation", {"compensation": "credit"}, "充入您的账户", "a credit on your account"),
    ("compensation", {"compensation": "waiver"}, "减免费用", "a charge waived"),
    ("compensation", {"answer": False}, "您无需操作", "there is nothing for you to do"),
    ("compensation_paid", {}, "账务凭证号：BILL-2026-118823", "Billing reference: BILL-2026-118823"),
    ("compensation_paid", {"compensation": "waiver"}, "不再向您收取", "You needn't pay it"),
    ("unreached", {"attempts": 1}, "尝试与您联系，但没有联系上", "We tried to reach you"),
    (
        "guidance",
        {"text": None},
        "重启光猫\n1. 拔掉光猫的电源，等 1 分钟。\n2. 重新通电，等指示灯亮稳。\n",
        "Restarting the modem\n1. Unplug the modem and wait a minute.\n2. Plug it in",
    ),
    ("question", {}, "最好在 2026年11月24日 18:00 前答复", "An answer by 24 November 2026, 18:00 would help"),
    ("reminder", {}, "于 2026年11月24日 10:30 请您补充以下信息", "On 24 November 2026, 10:30 we asked you"),
    ("rejected", {"rights": None}, "如有异议，您可以要求复核。", "You can ask us to look at it again."),
    ("rejected", {}, "电话 12300", "phone 12300"),
    ("closed", {}, "电话 12300", "phone 12300"),
    (
        "deadline_missed",
        {},
        "本应在 2026年11月24日 10:30 前给您答复，但没有做到",
        "by 24 November 2026, 10:30, and you",
    ),
    ("deadline_missed", {}, "在 2026年11月24日 18:00 前再次与您联系", "hear from us by 24 November 2026, 18:00"),
    ("deadline_missed", {"clock": "resolve"}, "处理完毕，但没有做到", "should have been settled by"),
    ("rights", {}, "未能在法定期限内办结", "not been settled within the time that the law gives us"),
    ("update", {}, "预计修复时间：2026年11月24日 18:00", "Estimated repair time: 24 November 2026, 18:00"),
    ("survey", {}, f"请点击评价：\n{SURVEY}\n", f"Tell us here:\n{SURVEY}\n"),
]


@pytest.mark.parametrize(("kind", "facts", "chinese", "english"), ESSENTIAL)
def test_a_letter_says_what_the_customer_must_know(
    kind: str, facts: Mapping[str, object], chinese: str, english: str
) -> None:
    assert chinese in letter(kind, "zh", facts=facts).text
    assert english in letter(kind, "en", facts=facts).text


def test_a_question_that_nobody_waits_for_any_longer_sets_no_time() -> None:
    for kind, way in product(("question", "reminder"), WAYS):
        assert "最好在" not in letter(kind, "zh", way, facts={"answer_by": None}).text
        assert "18:00" not in letter(kind, "en", way, facts={"answer_by": None}).text


def test_the_law_is_told_of_a_closing_only_where_the_operator_decided() -> None:
    assert "12300" not in letter("closed", facts={"decision": "customer_accepted"}).text


@pytest.mark.parametrize(
    ("way", "chinese", "english"),
    [
        ("email", "直接回复本邮件", "reply to this e-mail"),
        ("sms", "直接回复本短信", "reply to this message"),
        ("webhook", "直接在这里回复", "reply here"),
    ],
)
def test_a_question_says_how_to_answer_it(way: Way, chinese: str, english: str) -> None:
    for language, words in (("zh", chinese), ("en", english)):
        tongue: Language = "zh" if language == "zh" else "en"
        assert words in letter("question", tongue, way, answerable=True).text
        assert words not in letter("question", tongue, way, answerable=False).text


def test_a_mail_says_whether_it_is_read_and_how_to_get_no_more() -> None:
    assert "reply STOP" in letter("update", "en", answerable=True).text
    assert "nobody reads replies" in letter("update", "en").text
    assert "回复“退订”" in letter("update", "zh", answerable=True).text
    assert "回复无人查看" in letter("update", "zh").text


def test_what_matters_word_for_word_is_said_whole_in_a_chat() -> None:
    text = "第一行。\n\n" + "很长的说明。" * 500

    assert text in letter("explanation", "zh", "webhook", facts={"text": text}).text
    assert text in letter("result", "en", "webhook", facts={"resolution": text}).text


def test_what_came_together_is_told_together_in_order_with_each_reference() -> None:
    parts = [
        Part("dispatched", example("dispatched", "zh")),
        Part("estimate", {**example("estimate", "zh"), "reference": "RD-OTHER", "previous": None}),
        Part("update", example("update", "zh")),
    ]

    mail, chat, text = (LETTERS.write(way, "zh", parts, about("update")) for way in WAYS_IN_ORDER)

    assert mail.subject == "您的投诉有 3 条进展，编号 RD-7K3M-9PQ2-X、RD-OTHER"
    for words in (mail.text, chat.text, text.text, mail.html or ""):
        places = [words.index(said) for said in ("已转交技术支持组", "正在抢修", "仍在处理中")]
        assert places == sorted(places)
        assert "RD-OTHER" in words
    assert mail.text.count("尊敬的") == mail.text.count(TRACK) == chat.text.count(TRACK) == text.text.count(TRACK) == 1
    assert "2. 故障预计修复时间，投诉编号 RD-OTHER" in mail.text
    english = LETTERS.write("email", "en", [Part("update", example("update", "en"))] * 2, about("update"))
    assert english.subject == "2 updates on your complaint, reference RD-7K3M-9PQ2-X"


WAYS_IN_ORDER: tuple[Way, ...] = ("email", "webhook", "sms")


@pytest.mark.parametrize("language", LANGUAGES)
def test_of_very_much_a_text_message_has_the_newest_and_says_so(language: Language) -> None:
    kinds = ["dispatched", "contacted", "estimate", "update", "estimate_missed", "repaired", "result"]
    parts = [Part(kind, example(kind, language)) for kind in kinds]

    text = LETTERS.write("sms", language, parts, about("result")).text

    assert parts_of(text) <= 5
    assert "7" in text
    assert {"zh": "处理结果：", "en": "The result of your complaint"}[language] in text
    assert {"zh": "条较早的进展", "en": "earlier updates"}[language] in text


def test_a_language_that_we_do_not_write_is_answered_in_english() -> None:
    part = [Part("update", example("update", "en"))]

    assert LETTERS.write("email", "fr", part, about("update")).text.startswith("Dear")
    assert LETTERS.write("email", "zh-Hant", part, about("update")).text.startswith("尊敬的")


NASTY = [
    "{{ 7 * 7 }} {% raw %} & <b>",
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "😀👨‍👩‍👧 \U0001f1e8\U0001f1f3",
]


@pytest.mark.parametrize("nasty", NASTY)
def test_what_people_wrote_is_neither_run_nor_made_part_of_the_page(nasty: str) -> None:
    words = letter("result", "en", name=nasty, facts={"resolution": nasty})

    assert nasty in words.text
    assert words.html is not None
    page = Page(words.html)
    assert nasty in page.text
    assert page.tags.isdisjoint({"img", "script", "b"})


@pytest.mark.parametrize(
    "evil", ["RD\r\nBcc: x@example.com", "RD\x0b\x85\u2028X: y", "RD\x00\x1b[2J", "RD\u202egnp.exe"]
)
def test_no_fact_ends_the_line_of_a_subject_or_hides_in_a_letter(evil: str) -> None:
    for way in WAYS:
        words = letter("contacted", "zh", way, name=evil, facts={"reference": evil, "assignee": evil})

        assert len(words.subject.splitlines()) == 1
        assert not {"\r", "\x00", "\x0b", "\x1b", "\x85", "\u2028", "\u202e"} & set(words.subject + words.text)
    lines = letter("contacted", facts={"reference": evil}).text.splitlines()
    assert not any(line.startswith("Bcc") for line in lines)


def test_links_in_what_people_wrote_are_links_and_nothing_else_is() -> None:
    written = "请看 https://example.com/a?b=1&c=<2>。或 javascript:alert(1)，(http://例子.com)"
    page = Page(letter("explanation", "zh", facts={"text": written}).html or "")

    assert set(page.links) == {TRACK, "https://example.com/a?b=1&c="}
    assert written in page.text


def test_an_override_that_cannot_be_filled_gives_way_to_the_shipped_words(caplog: pytest.LogCaptureFixture) -> None:
    broken = Letters({"zh/email/result.txt": "Subject: {{ nothing }}\n\n{% if %}", "zh/sms/layout.txt": "{{ gone }}"})

    with caplog.at_level(logging.ERROR):
        for way in WAYS:
            assert letter("result", "zh", way, letters=broken) == letter("result", "zh", way)

    assert "zh/email/result.txt" in caplog.text
    assert "zh/sms/layout.txt" in caplog.text


def test_the_shipped_templates_are_in_order_by_the_rules_for_overrides() -> None:
    from importlib import resources

    root = resources.files("services.notices") / "templates"
    found = {
        f"{language}/{way}/{file.name}": file.read_text(encoding="utf-8")
        for language, way in product(LANGUAGES, WAYS)
        for file in (root / language / way).iterdir()
    }

    assert {path: mistakes for path, source in found.items() if (mistakes := mistakes_in(path, source))} == {}
    assert {f"{language}/{way}/layout.txt" for language, way in product(LANGUAGES, WAYS)} <= found.keys()


class Page(HTMLParser):
    """What a reader of the HTML sees, and where it leads."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.language: str | None = None
        self.title = ""
        self.text = ""
        self.links: list[str | None] = []
        self.tags: set[str] = set()
        self._in_title = False
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        values = dict(attrs)
        if tag == "html":
            self.language = values.get("lang")
        if tag == "a":
            self.links.append(values.get("href"))
        self._in_title = tag == "title"

    def handle_endtag(self, tag: str) -> None:
        self._in_title = False

    def handle_data(self, data: str) -> None:
        if self._in_title:
            self.title += data
        else:
            self.text += data
