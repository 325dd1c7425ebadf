"""An operator's own words: files beside the plan, checked before they count, stored with it, and said to customers."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from redress.bringing_up import bring_up, read_plan
from services.base.errors import Misconfigured
from services.notices.kinds import example
from services.notices.overrides import TemplatesInvalid, mistakes_in, too_long
from services.notices.rendering import About, Letters, Part, shipped
from services.plan.loading import shipped_plan_text
from services.plan.versions import Plans

MAIL = "Subject: 结果 {{ reference }}\n\n{{ resolution }}\n祝好！\n"
ABOUT = About("李伟", "https://care.example.com/track/abc")


@pytest.fixture
def plan(tmp_path: Path) -> Path:
    """An operator's plan in a folder of its own."""
    file = tmp_path / "plan.yaml"
    file.write_text(shipped_plan_text(), encoding="utf-8")
    return file


def put(plan: Path, templates: Mapping[str, str | bytes]) -> None:
    for name, content in templates.items():
        file = plan.parent / "templates" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content if isinstance(content, bytes) else content.encode())


def said(letters: Letters, kind: str = "result") -> str:
    return letters.write("email", "zh", [Part(kind, example(kind, "zh"))], ABOUT).text


async def test_templates_become_a_part_of_the_stored_plan_and_a_change_of_them_a_new_version(
    engine: AsyncEngine, plan: Path
) -> None:
    put(plan, {"zh/email/result.txt": MAIL})
    second = (await bring_up(engine, *read_plan(plan))).plan_version
    again = (await bring_up(engine, *read_plan(plan))).plan_version
    put(plan, {"zh/email/result.txt": MAIL.replace("祝好", "谢谢")})
    third = (await bring_up(engine, *read_plan(plan))).plan_version

    async with engine.connect() as connection:
        plans = [await Plans().get(connection, version) for version in (1, second, third)]
    texts = [said(Letters(one.templates)) for one in plans]
    assert (second, again, third) == (2, 2, 3)
    assert ["祝好！" in text for text in texts] == [False, True, False]
    assert "谢谢！" in texts[2]
    assert "尊敬的李伟" in texts[2]


ODD = "Subject: 😀 \\ \"x\" 'y' # {a}: \u2028\x85\n\n\ttab\n\n---\n- {{ resolution }}"


@pytest.mark.parametrize("content", [MAIL, ODD])
def test_a_template_is_stored_as_it_was_written_whatever_stands_in_it(plan: Path, content: str) -> None:
    put(plan, {"zh/email/result.txt": b"\xef\xbb\xbf" + content.replace("\n", "\r\n").encode()})

    text, read = read_plan(plan)

    assert read.templates == {"zh/email/result.txt": content}
    assert text.startswith(shipped_plan_text())


def test_a_stored_plan_can_be_taken_as_a_file_again(plan: Path) -> None:
    put(plan, {"zh/email/result.txt": MAIL})
    text, read = read_plan(plan)
    exported = plan.parent / "elsewhere" / "plan.yaml"
    exported.parent.mkdir()
    exported.write_text(text, encoding="utf-8")

    assert read_plan(exported) == (text, read)
    put(exported, {"zh/sms/result.txt": "{{ reference }}"})
    with pytest.raises(Misconfigured, match="keep them in one place"):
        read_plan(exported)


# name, content, where the mistake is, what is said of it
MISTAKES = [
    ("zh/email/result.txt", MAIL.replace("resolution", "resolutoin"), 3, 'did you mean "resolution"?'),
    ("zh/email/result.txt", "结果\n\n{{ resolution }}", 1, "the first line is wanted to be the subject"),
    ("zh/email/result.txt", "Subject: {{ refernce }}\n\nx", 1, 'did you mean "reference"?'),
    ("zh/email/result.txt", "Subject:\n\nx", 1, "the subject is empty"),
    ("zh/email/result.txt", "Subject: x\n\n{% if rights %}{{ rights }}{% endif %}", 1, "it says nothing"),
    ("zh/email/result.txt", "Subject: x\n\n\n{% if rights %}\n{{ rights }}", 5, "Unexpected end of template"),
    ("zh/email/result.txt", "Subject: x\n\n{{ silence | moment }}", 3, "a value can't be written like this"),
    ("zh/email/update.txt", "Subject: x\n\nhi\n{{ next_by | moment }}", 4, "a value can't be written like this"),
    ("zh/email/result.txt", "Subject: x\n\n{% include 'x' %}", 3, "include can't be used here"),
    ("zh/email/result.txt", "Subject: x\n\n{{ resolution | e }}", 3, '"|e" can\'t be used here'),
    ("zh/email/result.html", "<p>\n{{ resolution|safe }}</p>", 2, '"|safe" can\'t be used here'),
    ("en/sms/result.txt", "Subject: x\n{{ resolution }}", 1, "only the text of a mail has a subject"),
    ("en/sms/layout.txt", "{{ operator }}: {{ body }}", 1, "doesn't show {{ link }}"),
    ("en/webhook/layout.txt", "{{ operator }}: {{ link }}", 1, "doesn't show {{ body }}"),
    ("en/email/layout.txt", "Subject: {{ subject }}\n{{ body }} {{ track_url }}", 1, "doesn't show {{ link }}"),
]


@pytest.mark.parametrize(("name", "content", "line", "reason"), MISTAKES)
def test_a_mistake_is_an_error_of_the_plan_with_its_file_and_line(
    plan: Path, name: str, content: str, line: int, reason: str
) -> None:
    put(plan, {name: content})

    with pytest.raises(TemplatesInvalid) as raised:
        read_plan(plan)

    problems = {problem.field: problem.reason for problem in raised.value.problems}
    assert problems.keys() == {f"{plan.parent}/templates/{name}:{line}"}
    assert reason in str(raised.value)


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("zh/email/resutl.txt", '"resutl" is no kind of notice; did you mean "result"?'),
        ("zh/mail/result.txt", '"mail" is no way; did you mean "email"?'),
        ("fr/email/result.txt", '"fr" is no language; known: zh, en'),
        ("zh/sms/result.html", '"result.html" must end with .txt'),
        ("zh/result.txt", "write for example zh/email/result.txt"),
        ("zh/email/result/a.txt", "must end with .txt"),
    ],
)
def test_a_file_that_is_no_template_is_refused(plan: Path, name: str, reason: str) -> None:
    put(plan, {name: "x"})

    with pytest.raises(Misconfigured) as raised:
        read_plan(plan)

    assert reason in str(raised.value)


def test_what_is_no_text_or_too_much_of_it_is_refused_and_notes_are_left_out(plan: Path) -> None:
    put(plan, {"zh/email/.result.txt.swp": b"\xff", "zh/email/result.txt~": "x", "README.md": "x"})
    assert not read_plan(plan)[1].templates

    put(plan, {"zh/email/result.txt": b"\xff\xfe", "zh/sms/result.txt": "x" * 70_000})
    with pytest.raises(Misconfigured, match=r"(?s)zh/email/result.txt: it cannot be read.*zh/sms/result.txt: .*64 KiB"):
        read_plan(plan)


def test_an_own_html_is_put_into_the_layout_and_everything_else_escaped() -> None:
    letters = Letters({"zh/email/result.html": "<table><tr><td>{{ resolution }}</td></tr></table>"})
    facts = {**example("result", "zh"), "resolution": "<b>&"}

    words = letters.write("email", "zh", [Part("result", facts)], ABOUT)

    assert words.html is not None
    assert "<table><tr><td>&lt;b&gt;&amp;</td></tr></table>" in words.html
    assert "尊敬的李伟" in words.html
    assert "<b>&" in words.text


def test_a_chat_takes_its_own_words_then_those_of_text_messages() -> None:
    part = [Part("update", example("update", "zh"))]
    of_texts = {"zh/sms/update.txt": "短信 {{ reference }}"}

    assert "短信 RD" in Letters(of_texts).write("webhook", "zh", part, ABOUT).text
    both = Letters({**of_texts, "zh/webhook/update.txt": "聊天 {{ reference }}"})
    assert "聊天 RD" in both.write("webhook", "zh", part, ABOUT).text


def test_text_messages_that_take_too_many_parts_are_noted() -> None:
    long = {"zh/sms/update.txt": "{{ reference }}" + "字" * 130, "zh/sms/result.txt": "{{ reference }}好。"}

    (note,) = too_long(long)

    assert note.startswith("zh/sms/update makes 3 text messages")


def test_the_shipped_words_are_a_good_start_for_own_ones() -> None:
    for name in ("zh/email/guidance.txt", "en/email/layout.html", "zh/sms/layout.txt", "en/webhook/question.txt"):
        source = shipped(name)
        assert source is not None
        assert mistakes_in(name, source) == []
