"""The bytes of a mail, read back by the standard library."""

from __future__ import annotations

import email.policy
from email import message_from_bytes
from email.header import decode_header, make_header
from email.message import EmailMessage

import pytest

from services.base.errors import Invalid, Misconfigured
from services.base.identity import new_id
from services.notices.channels.mail import Mail, Mailer, compose
from tests.notices.factories import MAILER, NOW, PRIVACY, PUBLIC_URL, outgoing

NOTICE = new_id()


def mail(
    *,
    subject: str = "您的投诉已受理",
    text: str = "您好！\n",
    html: str | None = None,
    name: str = "李伟",
    address: str = "li.wei@example.com",
    kind: str = "acknowledgement",
    eight_bit: bool = False,
    mailer: Mailer = MAILER,
) -> Mail:
    return compose(
        mailer,
        outgoing(notice=NOTICE, subject=subject, text=text, html=html, name=name, address=address, kind=kind),
        eight_bit=eight_bit,
    )


def read(made: Mail) -> EmailMessage:
    return message_from_bytes(made.content, policy=email.policy.default)


@pytest.mark.parametrize(
    "subject",
    [
        "您的投诉已受理，编号 RD-7K3M-9PQ2-X",
        "We have received your complaint",
        "很长的主题" * 40,
        "a trap =?utf-8?b?5oKo?= in it",
        "😀" * 30,
    ],
)
def test_a_subject_arrives_as_it_was_written(subject: str) -> None:
    assert read(mail(subject=subject))["Subject"] == subject


@pytest.mark.parametrize("eight_bit", [True, False])
@pytest.mark.parametrize(
    "text",
    [
        "您好！\n您的投诉已受理。\n",
        "Hello\n.\n.leading dots\nFrom here\n",
        "长" * 5000 + "\n",
        "x" * 5000 + "\n",
        "半个字符 \ud83d 不碍事\n",
    ],
)
def test_a_text_arrives_as_it_was_written_in_lines_that_mail_allows(text: str, eight_bit: bool) -> None:
    made = mail(text=text, eight_bit=eight_bit)

    content = read(made).get_content().replace("\r\n", "\n")
    assert content == text.encode("utf-8", "replace").decode()
    assert max(len(line) for line in made.content.split(b"\r\n")) <= 998
    assert b"\n" not in made.content.replace(b"\r\n", b"")
    assert eight_bit or made.content.isascii()


@pytest.mark.parametrize("name", ["李伟", "Li Wei", 'O"Neil, <Pat>', "欧阳" * 60, "a=?b"])
def test_a_name_arrives_as_the_customer_gave_it(name: str) -> None:
    # Not through the newer policy, which puts spaces between the encoded words of a long name.
    header = message_from_bytes(mail(name=name).content)["To"]

    assert str(make_header(decode_header(header))) == f"{name} <li.wei@example.com>"


@pytest.mark.parametrize("end", ["\r\n", "\n", "\r", "\x00", "\u2028", "\x85"])
def test_a_name_or_subject_can_not_add_a_header(end: str) -> None:
    attack = f"Li{end}Bcc: everybody@example.com{end}{end}text"

    message = read(mail(name=attack, subject=attack))

    assert message["Bcc"] is None
    assert [to.addr_spec for to in message["To"].addresses] == ["li.wei@example.com"]
    assert message.get_content().strip() == "您好！"


@pytest.mark.parametrize(
    "address",
    [
        "a@example.com\r\nBcc: b@example.com",
        "a@example.com, b@example.com",
        "a@example.com> <b@example.com",
        "a b@example.com",
        "nobody",
        "@example.com",
        "",
    ],
)
def test_what_is_no_single_address_is_refused(address: str) -> None:
    with pytest.raises(Invalid, match="can't be written to"):
        mail(address=address)


def test_a_domain_of_any_script_is_written_in_ascii() -> None:
    made = mail(address="li.wei@例子.com")

    assert made.recipient == "li.wei@xn--fsqu00a.com"


def test_the_headers_say_which_notice_it_is_and_that_a_machine_wrote_it() -> None:
    acknowledgement, result = read(mail()), read(mail(kind="result"))

    assert acknowledgement["Message-ID"] == f"<{NOTICE}@example.com>"
    assert acknowledgement["Redress-Notice"] == f"acknowledgement; {NOTICE}"
    assert acknowledgement["Auto-Submitted"] == "auto-replied"
    assert result["Auto-Submitted"] == "auto-generated"
    assert acknowledgement["Date"].datetime == NOW
    assert acknowledgement["From"] == "Redress <care@example.com>"
    assert acknowledgement["Content-Language"] == "zh"


def test_a_sender_with_a_chinese_name_is_shown_by_it() -> None:
    mailer = Mailer.from_setting("示例电信 <care@example.com>")

    (sender,) = read(mail(mailer=mailer))["From"].addresses
    assert sender.display_name == "示例电信"
    assert mailer.address == "care@example.com"


@pytest.mark.parametrize("setting", ["", "Redress", "Redress <>", "Redress <a b@example.com>"])
def test_a_sender_without_an_address_is_a_wrong_setting(setting: str) -> None:
    with pytest.raises(Misconfigured, match="REDRESS_MAIL_FROM"):
        Mailer.from_setting(setting)


def test_a_mail_says_the_same_in_text_and_in_html() -> None:
    message = read(mail(text="您好！\n", html="<p>您好！</p>" + "<br>" * 2000))

    assert message.get_content_type() == "multipart/alternative"
    plain, html = message.iter_parts()
    assert (plain.get_content_type(), plain.get_content().strip()) == ("text/plain", "您好！")
    assert html.get_content_type() == "text/html"
    assert html.get_content().startswith("<p>您好！</p>")


def test_answers_and_bounces_go_to_an_address_that_names_the_notice_and_can_not_be_made_up() -> None:
    mailer = Mailer.from_setting("Redress <care@example.com>", "care@answers.example.com", PRIVACY)

    made = mail(mailer=mailer)

    message = read(made)
    (answers,) = message["Reply-To"].addresses
    name, _, token = answers.username.partition("+")
    assert (name, answers.domain, made.sender) == ("care", "answers.example.com", answers.addr_spec)
    assert PRIVACY.notice_of_mail_token(token.upper()) == NOTICE
    assert PRIVACY.notice_of_mail_token(token[:-4] + "aaaa") is None
    assert message["List-Unsubscribe"].split() == [
        f"<mailto:{answers.addr_spec}?subject=unsubscribe>,",
        f"<{PUBLIC_URL}/track/x>",
    ]


def test_what_was_told_along_is_named_in_the_headers() -> None:
    others = [new_id(), new_id()]

    made = compose(MAILER, outgoing(merged=others))

    assert read(made).get_all("Redress-Merged") == [str(one) for one in others]


@pytest.mark.parametrize("setting", ["care", "care+x@example.com", "a b@example.com"])
def test_an_address_for_answers_that_can_not_be_extended_is_a_wrong_setting(setting: str) -> None:
    with pytest.raises(Misconfigured, match="REDRESS_MAIL_ANSWERS"):
        Mailer.from_setting("care@example.com", setting, PRIVACY)
