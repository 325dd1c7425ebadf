"""Looking at notices before any customer does."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from redress.commands.notices import app
from services.base.errors import Invalid
from services.notices.events import KINDS
from services.plan.loading import shipped_plan_text


def preview(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["preview", *arguments], catch_exceptions=False)


def test_every_kind_is_shown_in_both_languages_for_all_ways() -> None:
    shown = preview().stdout

    for kind in KINDS:
        assert shown.count(f"/{kind} ") == 6
    assert "尊敬的李伟" in shown
    assert "Dear Emma Clarke" in shown


def test_a_text_message_is_shown_with_its_length_and_parts() -> None:
    shown = preview("--kind", "withdrawn", "--way", "sms", "--language", "en").stdout

    text = next(line for line in shown.splitlines() if line.startswith("Example Telecom: "))
    assert f"[{len(text)} characters with the link, 2 text messages]" in shown


def test_all_that_a_kind_can_say_is_shown_once_each() -> None:
    shown = preview("--kind", "compensation_paid", "--way", "email", "--language", "en", "--variants").stdout

    for subject in ("Your refund has been", "Your credit has been", "Your charge has been"):
        assert shown.count(subject) == 1


def test_own_words_and_the_html_of_mails_are_shown(tmp_path: Path) -> None:
    plan = tmp_path / "plan.yaml"
    plan.write_text(shipped_plan_text().replace("示例电信", "一号电信"), encoding="utf-8")
    own = tmp_path / "templates/zh/email/visit.txt"
    own.parent.mkdir(parents=True)
    own.write_text("Subject: 上门 {{ reference }}\n\n我们来了！", encoding="utf-8")

    shown = preview("--plan", str(plan), "--kind", "visit", "--language", "zh", "--html", str(tmp_path / "out")).stdout

    assert "(with zh/email/visit.txt of the plan)" in shown
    assert shown.count("我们来了！") == 1
    html = (tmp_path / "out/zh-email-visit.html").read_text(encoding="utf-8")
    assert "我们来了！" in html
    assert "一号电信" in html


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (("--kind", "acknowledgment"), 'did you mean "acknowledgement"?'),
        (("--way", "mail"), 'did you mean "email"?'),
        (("--language", "fr"), "known: zh, en"),
    ],
)
def test_what_is_not_known_is_said_with_what_is(arguments: tuple[str, str], reason: str) -> None:
    with pytest.raises(Invalid) as raised:
        preview(*arguments)

    assert reason in str(raised.value)
