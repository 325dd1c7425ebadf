"""Mails as they really come, byte for byte: from Chinese and English mail programs, mail servers and machines."""

from __future__ import annotations

import base64
from email.header import Header
from email.message import EmailMessage
from email.policy import SMTP
from uuid import UUID

CARE = "care@example.com"
CUSTOMER = "li.wei@example.com"
PNG = base64.b64encode(b"\x89PNG\r\n\x1a\n" + bytes(range(200))).decode()


def mail(
    text: str = "设备编号是 HG8145-22187，红灯一直亮。",
    *,
    subject: str = "Re: 请补充信息",
    sender: str = f"李伟 <{CUSTOMER}>",
    to: str = CARE,
    charset: str = "utf-8",
    headers: str = "",
    message_id: str = "<abc@mail.example.com>",
) -> bytes:
    """A plain mail of a person in a charset; ``headers`` are further lines, each with its CRLF."""
    head = (
        "Received: from mx.example.com (mx.example.com [192.0.2.7]) by relay.example.net;\r\n"
        " Mon, 24 Nov 2025 10:30:05 +0800\r\n"
        "Date: Mon, 24 Nov 2025 10:30:00 +0800\r\n"
        f"From: {_encoded(sender.partition(' <')[0], charset)} <{sender.partition('<')[2] or sender + '>'}\r\n"
        f"To: {to}\r\n"
        f"Subject: {_encoded(subject, charset)}\r\n"
        f"Message-ID: {message_id}\r\n"
        f"{headers}"
        "MIME-Version: 1.0\r\n"
        f"Content-Type: text/plain; charset={charset}\r\n"
        "Content-Transfer-Encoding: base64\r\n\r\n"
    )
    return head.encode("ascii") + base64.encodebytes(text.replace("\n", "\r\n").encode(charset)).replace(b"\n", b"\r\n")


def html_mail(html: str, charset: str = "gb18030") -> bytes:
    """What QQ mail sends: HTML alone, in the charset of the country."""
    return (
        f"From: <{CUSTOMER}>\r\nTo: {CARE}\r\nSubject: {_encoded('回复：请补充信息', charset)}\r\n"
        "Message-ID: <tencent_6E2A@qq.com>\r\nMIME-Version: 1.0\r\n"
        f"Content-Type: text/html; charset={charset}\r\nContent-Transfer-Encoding: base64\r\n\r\n"
    ).encode() + base64.encodebytes(html.encode(charset))


def mail_with_picture(text: str = "见附件。", name: str = "账单 11月.png", picture: str = PNG) -> bytes:
    """A reply with words in both forms and a picture beside them."""
    return (
        f"From: <{CUSTOMER}>\r\nTo: {CARE}\r\nSubject: bill\r\nMessage-ID: <with-picture@example.com>\r\n"
        'MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary="outer"\r\n\r\n'
        '--outer\r\nContent-Type: multipart/alternative; boundary="inner"\r\n\r\n'
        "--inner\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n"
        f"{text}\r\n"
        "--inner\r\nContent-Type: text/html; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n"
        f"<p>{text} (html)</p>\r\n--inner--\r\n"
        f"--outer\r\nContent-Type: image/png\r\nContent-Transfer-Encoding: base64\r\n"
        f"Content-Disposition: attachment; filename={_encoded(name, 'gb18030')}\r\n\r\n"
        f"{picture}\r\n--outer--\r\n"
    ).encode()


def mail_with_files(*files: tuple[str, bytes], sender: str = CUSTOMER) -> bytes:
    """Files and no words."""
    made = EmailMessage(policy=SMTP)
    made["From"], made["To"], made["Subject"], made["Message-ID"] = sender, CARE, "bill", "<files@example.com>"
    made.set_content("")
    for name, content in files:
        made.add_attachment(content, maintype="application", subtype="octet-stream", filename=name)
    return made.as_bytes()


def postfix_bounce(notice: UUID, *, to: str, action: str = "failed", status: str = "5.1.1") -> bytes:
    """What Postfix sends back (RFC 3464), with the head of our mail."""
    return (
        "Return-Path: <>\r\nDate: Mon, 24 Nov 2025 10:31:00 +0800 (CST)\r\n"
        "From: MAILER-DAEMON@mail.example.net (Mail Delivery System)\r\n"
        f"Subject: Undelivered Mail Returned to Sender\r\nTo: {to}\r\nAuto-Submitted: auto-replied\r\n"
        "MIME-Version: 1.0\r\nContent-Type: multipart/report; report-type=delivery-status;\r\n"
        '\tboundary="4dF1Q.1764/mail.example.net"\r\nMessage-Id: <20251124@mail.example.net>\r\n\r\n'
        "This is a MIME-encapsulated message.\r\n\r\n--4dF1Q.1764/mail.example.net\r\n"
        "Content-Description: Notification\r\nContent-Type: text/plain; charset=us-ascii\r\n\r\n"
        "This is the mail system at host mail.example.net.\r\n\r\n"
        "I'm sorry to have to inform you that your message could not\r\n"
        "be delivered to one or more recipients.\r\n\r\n"
        f"<{CUSTOMER}>: host mx.example.com said: 550 5.1.1 User unknown\r\n\r\n"
        "--4dF1Q.1764/mail.example.net\r\nContent-Description: Delivery report\r\n"
        "Content-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; mail.example.net\r\n"
        "X-Postfix-Queue-ID: 4dF1Q\r\nArrival-Date: Mon, 24 Nov 2025 10:30:59 +0800 (CST)\r\n\r\n"
        f"Final-Recipient: rfc822; {CUSTOMER}\r\nOriginal-Recipient: rfc822;{CUSTOMER}\r\nAction: {action}\r\n"
        f"Status: {status}\r\nRemote-MTA: dns; mx.example.com\r\n"
        f"Diagnostic-Code: smtp; 550 {status} <{CUSTOMER}>: Recipient address rejected: User unknown\r\n\r\n"
        "--4dF1Q.1764/mail.example.net\r\nContent-Description: Undelivered Message Headers\r\n"
        f"Content-Type: text/rfc822-headers\r\n\r\nFrom: Redress <{CARE}>\r\nMessage-ID: <{notice}@example.com>\r\n"
        f"Redress-Notice: question; {notice}\r\n\r\n--4dF1Q.1764/mail.example.net--\r\n"
    ).encode()


def exchange_bounce(notice: UUID, *, to: str = CARE) -> bytes:
    """What Exchange Online sends back: the whole mail of ours inside, Chinese outside."""
    note = base64.encodebytes(f"未能将您的邮件传递给 {CUSTOMER}。\r\n在 example.com 找不到 li.wei。".encode()).decode()
    return (
        "From: Microsoft Outlook\r\n <MicrosoftExchange329e71ec88ae4615bbc36ab6ce41109e@corp.example.com>\r\n"
        f"To: <{to}>\r\nMIME-Version: 1.0\r\nContent-Type: multipart/report; report-type=delivery-status;\r\n"
        ' boundary="_X_"\r\nX-MS-Exchange-Message-Is-Ndr:\r\nContent-Language: zh-CN\r\n'
        "Message-ID: <2f6b@corp.example.com>\r\n"
        f"In-Reply-To: <{notice}@example.com>\r\nReferences: <{notice}@example.com>\r\n"
        f"Subject: {_encoded('未送达: 请补充信息', 'utf-8')}\r\n\r\n"
        '--_X_\r\nContent-Type: multipart/alternative; differences=Content-Type; boundary="_Y_"\r\n\r\n'
        f"--_Y_\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: base64\r\n\r\n{note}\r\n"
        "--_Y_--\r\n"
        "--_X_\r\nContent-Type: message/delivery-status\r\n\r\n"
        "Reporting-MTA: dns;SY4P282MB1234.ausp282.prod.outlook.com\r\n"
        "Received-From-MTA: dns;mail.example.net\r\nArrival-Date: Mon, 24 Nov 2025 02:31:00 +0000\r\n\r\n"
        f"Final-Recipient: rfc822;{CUSTOMER}\r\nAction: failed\r\nStatus: 5.1.10\r\n"
        "Diagnostic-Code: smtp;550 5.1.10 RESOLVER.ADR.RecipientNotFound; Recipient not found by lookup\r\n\r\n"
        f"--_X_\r\nContent-Type: message/rfc822\r\n\r\nFrom: {CARE}\r\nMessage-ID: <{notice}@example.com>\r\n"
        f"Redress-Notice: question; {notice}\r\nAuto-Submitted: auto-generated\r\nSubject: x\r\n\r\nhello\r\n\r\n"
        "--_X_--\r\n"
    ).encode()


def qmail_bounce(notice: UUID) -> bytes:
    """What servers without the standard's form send: words alone, and our mail below them."""
    return (
        f"From: MAILER-DAEMON@old.example.net\r\nTo: {CARE}\r\nSubject: failure notice\r\n"
        "Date: 24 Nov 2025 02:31:00 -0000\r\n\r\n"
        "Hi. This is the qmail-send program at old.example.net.\r\n"
        "I'm afraid I wasn't able to deliver your message.\r\n\r\n"
        f"<{CUSTOMER}>:\r\nSorry, no mailbox here by that name. (#5.1.1)\r\n\r\n"
        "--- Below this line is a copy of the message.\r\n\r\n"
        f"Return-Path: <{CARE}>\r\nMessage-ID: <{notice}@example.com>\r\nRedress-Notice: question; {notice}\r\n\r\n"
        "hello\r\n"
    ).encode()


def _encoded(text: str, charset: str) -> str:
    return text if text.isascii() else Header(text, charset, maxlinelen=60).encode().replace("\n", "\r\n")
