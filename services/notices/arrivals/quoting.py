"""What is new in a mail: without the earlier mails that it quotes, and without signatures.

Simple rules for what mail programs write (Gmail, Outlook, Apple, QQ, NetEase, Foxmail), line by line. Where in doubt a
line stays: the customer's words must not be lost, and a quotation too many does no harm.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

_QUOTED: Final = re.compile(r"\s{0,3}[>＞]")
_SIGNATURE: Final = re.compile(r"--\s?")
# "On Mon, 24 Nov 2025 at 10:30, Care <care@example.com> wrote:" and its Chinese sisters.
_SAID: Final = re.compile(r".{6,400}(?:wrote|写道|寫道)\s?[:：]", re.IGNORECASE)
_SAID_BEGINS: Final = re.compile(r"(?:On|At|在|于)\s?(?:\S{0,12}\s?){0,3}\d|.{0,120}@")
_OF_A_MAIL: Final = re.compile(r"@|\d{1,2}[:：]\d{2}")
_ORIGINAL: Final = re.compile(
    r"\s{0,3}[-—_]{2,40}\s?(?:original(?: message)?|原始邮件|原邮件|原始郵件|(?:回复|答复)的原邮件)"
    r"\s?[-—_]{2,40}\s*",
    re.IGNORECASE,
)
_FROM: Final = re.compile(r"[\s*]{0,4}(?:From|发件人|寄件者|寄件人|發件人)[*\s]{0,3}[:：]", re.IGNORECASE)
_OTHER_HEADER: Final = re.compile(
    r"[\s*]{0,4}(?:Sent|Date|To|Cc|Subject|发送时间|时间|日期|收件人|抄送|主题|发送日期|寄件日期|收件者|主旨|副本)[*\s]{0,3}[:：]",
    re.IGNORECASE,
)
_DEVICE: Final = re.compile(
    r"(?:sent from (?:my |mail for |outlook|yahoo|the all).{0,60}|get outlook for .{1,60}|发自我的.{0,40}"
    r"|来自我的.{0,40}|发自.{0,20}(?:邮箱|手机|客户端|iphone|ipad).{0,20}|从.{0,20}(?:iphone|ipad|windows.{0,10}邮件)\s?发送)",
    re.IGNORECASE,
)
_RULE: Final = re.compile(r"\s*[-_=*—]{3,}\s*")
_LONGEST_LINE: Final = 1_000
_HEADER_LINES: Final = 8


def new_words(text: str) -> str:
    """What its sender wrote this time; all of the text where that can't be told from the rest."""
    lines = text.split("\n")
    kept: list[str] = []
    place = 0
    while place < len(lines):
        after = _said_until(lines, place)
        if after is not None and _is_quoted_next(lines, after):
            # Answers below or between quoted lines follow.
            place = after
            continue
        if after is not None or _begins_the_rest(lines, place):
            break
        if not _QUOTED.match(lines[place]):
            kept.append(lines[place])
        place += 1
    return _without_ending(kept) or text.strip()


def _said_until(lines: Sequence[str], place: int) -> int | None:
    """The place after an "On … wrote:" that begins here (it may be broken over three lines); None where none does."""
    first = lines[place].strip()
    if not first or len(first) > _LONGEST_LINE:
        return None
    most = 3 if _SAID_BEGINS.match(first) else 1
    joined = ""
    for end in range(place, min(place + most, len(lines))):
        line = lines[end].strip()[:_LONGEST_LINE]
        # What stands above one that is whole is not its beginning.
        if end > place and (not line or (_is_said(line) and not line.startswith("于"))):
            return None
        joined = f"{joined} {line}".strip()
        if _is_said(joined):
            return end + 1
    return None


def _is_said(line: str) -> bool:
    return _SAID.fullmatch(line) is not None and _OF_A_MAIL.search(line) is not None


def _is_quoted_next(lines: Sequence[str], place: int) -> bool:
    for line in lines[place : place + 4]:
        if line.strip():
            return bool(_QUOTED.match(line))
    return False


def _begins_the_rest(lines: Sequence[str], place: int) -> bool:
    """Whether all from here on is a signature, or an earlier mail with its head."""
    line = lines[place]
    if len(line) > _LONGEST_LINE:
        return False
    if _SIGNATURE.fullmatch(line) or _ORIGINAL.fullmatch(line):
        return True
    if not _FROM.match(line):
        return False
    headers = [other for other in lines[place + 1 : place + 1 + _HEADER_LINES] if _OTHER_HEADER.match(other)]
    return len(headers) >= 2


def _without_ending(lines: list[str]) -> str:
    """Without what mail programs put below: who made the device, and rules."""
    while lines and _is_ending(lines[-1].strip()):
        lines.pop()
    return "\n".join(line.rstrip() for line in lines).strip()


def _is_ending(line: str) -> bool:
    if len(line) > _LONGEST_LINE:
        return False
    return not line or _DEVICE.fullmatch(line) is not None or _RULE.fullmatch(line) is not None
