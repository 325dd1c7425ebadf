"""What a mail says, what of it is new, and what kind it is: on mails as they really come."""

from __future__ import annotations

import base64
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.base.identity import new_id, new_reference
from services.notices.arrivals import wishes
from services.notices.arrivals.charsets import decoded, header_text
from services.notices.arrivals.markup import text_of
from services.notices.arrivals.matching import references_in
from services.notices.arrivals.quoting import new_words
from services.notices.arrivals.reading import ArrivedMail, read_mail
from tests.notices import letters_in
from tests.notices.letters_in import CARE, CUSTOMER, mail

NOW = datetime(2025, 11, 24, 2, 30, tzinfo=UTC)
NOTICE = new_id()


def read(content: bytes, sender: str = CUSTOMER, to: str = CARE) -> ArrivedMail:
    return read_mail(content, sender=sender, recipients=(to,), at=NOW, answers=CARE)


@pytest.mark.parametrize(
    ("charset", "subject", "text"),
    [
        ("gb2312", "回复：宽带断网", "红灯一直亮，请尽快。"),
        ("gb18030", "回复：𠮷野家㐀", "我住𠮷祥里三号楼。😀"),
        ("big5", "回覆：寬頻斷線", "燈號一直是紅色的。"),
        ("iso-2022-jp", "回線の故障", "昨日から繋がりません。"),
        ("utf-8", "Re: 请补充信息", "OK 👍 谢谢"),
        ("iso-8859-1", "Re: outage", "Déjà réparé, merci"),
    ],
)
def test_every_charset_is_read_as_it_was_meant(charset: str, subject: str, text: str) -> None:
    got = read(mail(text, subject=subject, charset=charset, sender=f"Li Wei <{CUSTOMER}>"))

    assert (got.subject, got.said, got.sender) == (subject, text, CUSTOMER)


@pytest.mark.parametrize("claim", ["us-ascii", "utf-8", "x-unknown", "base64", "\udcff", None])
def test_a_wrong_claim_of_charset_loses_no_word(claim: str | None) -> None:
    assert decoded("设备编号已附上，请查收。".encode("gb18030"), claim) == "设备编号已附上，请查收。"


def test_headers_come_encoded_cut_within_characters_raw_and_broken() -> None:
    coded = "中文演示".encode("gb18030")
    words = [base64.b64encode(part).decode() for part in (coded[:3], coded[3:])]
    halves = "\r\n ".join(f"=?gb2312?B?{word}?=" for word in words)
    raw = "宽带故障".encode("gb18030").decode("ascii", "surrogateescape")

    assert header_text(halves) == "中文演示"
    assert header_text("=?utf-8?B?5LiK?= =?utf-8?B?5rW3?=") == "上海"
    assert header_text(raw) == "宽带故障"
    assert header_text("=?utf-8?B?!!!?=") in ("=?utf-8?B?!!!?=", "")
    assert header_text("one\r\n two\x00") == "one two"


REPLIES = {
    "gmail, english": (
        "Still down.\n\nOn Mon, Nov 24, 2025 at 10:30 AM Care <care@example.com>\nwrote:\n\n> Is it back?\n"
        "> Yours\n"
    ),
    "gmail, chinese": (
        "还是断的。\n\n客服中心 <care+mfrggzdfmy@example.com> 于2025年11月24日周一\n10:30写道：\n\n> 恢复了吗？\n"
    ),
    "apple, chinese": (
        "还是断的。\n\n发自我的iPhone\n\n> 在 2025年11月24日，10:30，客服 <care@example.com> 写道：\n> \n"
        "> 恢复了吗？\n"
    ),
    "apple, english": (
        "Still down.\n\nSent from my iPhone\n\n> On Nov 24, 2025, at 10:30, Care <care@example.com> wrote:\n> \n"
        "> Hi\n"
    ),
    "outlook, english": (
        "Still down.\n\n________________________________\nFrom: Care <care@example.com>\n"
        "Sent: Monday, November 24, 2025 10:30\nTo: Li Wei\nSubject: Question\n\nIs it back?\n"
    ),
    "outlook, chinese": (
        "还是断的。\n\n发件人: 客服 <care@example.com>\n发送时间: 2025年11月24日 10:30\n收件人: 李伟\n"
        "主题: 请补充信息\n\n恢复了吗？\n"
    ),
    "outlook, old": "Still down.\n\n-----Original Message-----\nFrom: Care\nIs it back?",
    "qq": (
        "还是断的。\n\n\n------------------ 原始邮件 ------------------\n发件人: \"客服\" <care@example.com>;\n"
        "发送时间: 2025年11月24日(星期一) 上午10:30\n收件人: \"李伟\"\n\n恢复了吗？"
    ),
    "netease": "还是断的。\n\n\n在 2025-11-24 10:30:00，\"客服\" <care@example.com> 写道：\n\n恢复了吗？\n",
    "netease app": "还是断的。\n\n---- 回复的原邮件 ----\n发件人 | 客服 |\n日期 | 2025年11月24日 10:30 |\n恢复了吗？",
    "signature": "Still down.\n\n-- \nLi Wei\nTel 13800138000\n",
    "below": "On Mon, Nov 24, 2025 at 10:30 AM Care <care@example.com> wrote:\n> Is it back?\n\nStill down.\n",
}  # fmt: skip


@pytest.mark.parametrize("program", REPLIES)
def test_what_is_new_in_a_reply_is_told_from_what_it_quotes(program: str) -> None:
    expected = "Still down." if "Still" in REPLIES[program] else "还是断的。"

    assert new_words(REPLIES[program]) == expected


@pytest.mark.parametrize(
    "text",
    [
        "From: the router to the wall it's all red.\nTo be honest I gave up.",
        "我在 11 月的来信里写道：\n宽带又断了，请处理。",
        "On Monday they wrote:\nwe will come. Nobody came.",
        "邮箱是 a@b.example\n\n请寄到这里。",
        "--- 以上是全部 ---\n谢谢",
        "> 只剩引用",
        "----",
    ],
)
def test_words_that_only_look_like_a_quotation_are_kept(text: str) -> None:
    assert new_words(text) == text


def test_an_address_above_a_quoted_mail_is_not_taken_for_its_head() -> None:
    text = "请寄到 a@b.example\n在 2025-11-24 10:30:00，客服 <care@example.com> 写道：\n恢复了吗？"

    assert new_words(text) == "请寄到 a@b.example"


def test_html_alone_is_read_without_what_people_do_not_see() -> None:
    html = (
        "<html><head><title>x</title><style>p{color:red}</style></head><body><div>还是&nbsp;断的。</div>"
        "<script>document.write('坏')</script><p>1 &lt; 2<br>请<b>尽快</b></p><img src=x onerror=alert(1)>"
        "<blockquote><div>恢复了吗？</div></blockquote></body></html>"
    )

    assert text_of("1 < 2 <b>&amp; 3</b> <!-- a > b --><!DOCTYPE x><p unclosed") == "1 < 2 & 3 <p unclosed"
    assert text_of("<SCRIPT>坏</Script >好<style>never closed") == "好never closed"
    assert text_of(f"<img src='data:,{'A' * 200_000}'>图") == "图"
    assert text_of(html) == "还是 断的。\n\n1 < 2\n请尽快\n> 恢复了吗？"
    assert read(letters_in.html_mail(html)).said == "还是 断的。\n\n1 < 2\n请尽快"


def test_of_two_forms_the_plain_one_is_read_and_files_are_counted() -> None:
    got = read(letters_in.mail_with_picture())

    assert got.said == "见附件。"
    assert [(file.name, file.media_type, len(file.content)) for file in got.files] == [
        ("账单 11月.png", "image/png", 208)
    ]


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\x00\xff" * 50,
        "没有头的一封信".encode("gb18030"),
        b"Content-Type: multipart/mixed; boundary=x\r\n\r\nno part at all: still down\r\n",
        b"Content-Type: multipart/mixed; boundary=x\r\n\r\n--x\r\nContent-Type: multipart/mixed; boundary=x\r\n\r\n"
        b"--x\r\n",
        b'From: "\xc0\xee\xce\xb0" <li.wei@example.com>\r\nSubject: \xbf\xed\xb4\xf8\r\n\r\n\xb6\xcf\xcd\xf8\xc1\xcb',
        b"Content-Type: text/plain; charset=\"\r\nContent-Transfer-Encoding: base64\r\n\r\n!!!not base64!!!",
        b"".join(b"Content-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n" % (n, n) for n in range(2000)),
    ],
)  # fmt: skip
def test_rubbish_is_read_as_far_as_it_goes(content: bytes) -> None:
    got = read(content)

    assert got.bounce is None
    assert "\x00" not in got.text
    got.text.encode("utf-8")


@settings(max_examples=60, deadline=None)
@given(st.binary(max_size=400), st.sampled_from([b"", b"From: a@b.example\r\n", b"Content-Type: text/html\r\n\r\n"]))
def test_no_bytes_break_the_reader(rest: bytes, head: bytes) -> None:
    read(head + rest).said.encode("utf-8")


@pytest.mark.parametrize(
    "headers",
    [
        "Auto-Submitted: auto-replied\r\n",
        "Auto-Submitted: auto-generated; type=vacation\r\n",
        "X-Autoreply: yes\r\n",
        "Precedence: bulk\r\n",
        "Precedence: auto_reply\r\n",
    ],
)
def test_a_machine_says_by_its_headers_that_it_is_one(headers: str) -> None:
    assert read(mail(headers=headers)).automatic


@pytest.mark.parametrize(
    ("subject", "automatic"),
    [
        ("自动回复：请补充信息", True),
        ("外出: 请补充信息", True),
        ("Automatic reply: Your complaint", True),
        ("Out of Office Re: Your complaint", True),
        ("外出时断网", False),
        ("Re: 请补充信息", False),
        ("回复：自动扣费的问题", False),
    ],
)
def test_a_machine_says_by_its_subject_that_it_is_one(subject: str, automatic: bool) -> None:
    assert read(mail(subject=subject, headers="Auto-Submitted: no\r\n")).automatic is automatic


def test_a_mail_without_a_sender_is_a_machines_and_one_of_ours_is_known() -> None:
    assert read(mail(), sender="").automatic
    assert read(mail(headers=f"Redress-Notice: question; {NOTICE}\r\n")).ours


@pytest.mark.parametrize(
    "content",
    [
        letters_in.postfix_bounce(NOTICE, to=CARE),
        letters_in.postfix_bounce(NOTICE, to=CARE, action="failed", status="4.4.7"),
        letters_in.exchange_bounce(NOTICE),
        letters_in.qmail_bounce(NOTICE),
    ],
)
def test_a_mail_that_was_sent_back_names_the_notice(content: bytes) -> None:
    bounce = read(content, sender="").bounce

    assert bounce is not None
    assert (bounce.hard, bounce.notice) == (True, NOTICE)


def test_a_delay_is_no_failure_and_a_report_of_delivery_is_no_bounce() -> None:
    delayed = read(letters_in.postfix_bounce(NOTICE, to=CARE, action="delayed", status="4.4.1"), sender="").bounce

    assert delayed is not None
    assert not delayed.hard
    assert (
        read(letters_in.postfix_bounce(NOTICE, to=CARE, action="delivered", status="2.0.0"), sender="").bounce is None
    )


def test_a_customer_who_speaks_of_a_bounce_is_no_mail_server() -> None:
    assert read(mail("你们的邮件 550 5.1.1 user unknown", subject="退信 failure notice")).bounce is None


@pytest.mark.parametrize(
    "text", ["退订", "TD", " td ", "ＴＤ", "STOP", "stop.", "Unsubscribe", "【拒收】", "T", "N", "n。"]
)
def test_a_text_message_that_is_only_the_word_stops(text: str) -> None:
    wished = wishes.of_text_message(text)

    assert wished is not None
    assert wished.wish == "stop"


@pytest.mark.parametrize(
    "text", ["退订套餐怎么办理", "不要退订", "stop by tomorrow please", "No", "TD-LTE 没信号", "", "2"]
)
def test_a_text_message_that_says_more_stops_nothing(text: str) -> None:
    assert wishes.of_text_message(text) is None


@pytest.mark.parametrize(
    ("subject", "said", "to_a_token", "wish"),
    [
        ("unsubscribe", "", False, "stop"),
        ("Re: 退订", "", False, "stop"),
        ("unsubscribe", "This message was automatically generated by Gmail.", False, "stop"),
        ("unsubscribe", "bla bla of a program", True, "stop"),
        ("Re: 请补充信息", "退订", False, "stop"),
        ("Re: 请补充信息", "START", False, "start"),
        ("退订", "请帮我退订5G套餐，上个月就说过。", True, None),
        ("unsubscribe", "I can't unsubscribe from the tariff!", False, None),
        ("Re: 请补充信息", "N", False, None),
    ],
)
def test_a_mail_stops_by_its_subject_or_its_words(subject: str, said: str, to_a_token: bool, wish: str | None) -> None:
    wished = wishes.of_mail(subject, said, to_a_token=to_a_token)

    assert (wished.wish if wished else None) == wish


def test_references_are_found_in_any_spelling() -> None:
    reference = new_reference()
    bare = reference.replace("-", "")

    for text in (
        f"单号{reference}。",
        f"re {reference.lower()}?",
        f"{bare}",
        f"{bare[2:]}",
        f"（{reference.replace('-', ' ')}）",
    ):
        assert references_in([text], "RD") == [reference], text
    assert references_in(["RD-1111-1111-2 and 13800138000 on 20251124"], "RD") == []


def test_a_mail_delivered_again_is_the_same_and_another_of_the_same_id_is_not() -> None:
    first = read(mail("甲"))
    again = read(b"Received: from another.example.com\r\nDelivered-To: care@example.com\r\n" + mail("甲"))
    other = read(mail("乙"))

    assert first.id == again.id != other.id
