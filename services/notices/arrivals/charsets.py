"""Bytes of mails as text, whatever charset they claim to be in.

Nothing is refused: what can't be read as claimed is read as what it most likely is, and what can't be read at all
becomes U+FFFD. What the database can't keep is left out.
"""

from __future__ import annotations

import re
from binascii import Error as BadBase64
from email.errors import HeaderParseError
from email.header import decode_header
from email.message import Message
from types import MappingProxyType
from typing import Final

# Mail programs name a smaller set than they write: GB 2312 for what is GBK, Latin 1 for Windows' own.
_WIDER: Final = MappingProxyType(
    {
        "gb2312": "gb18030",
        "gb_2312-80": "gb18030",
        "gbk": "gb18030",
        "x-gbk": "gb18030",
        "cp936": "gb18030",
        "chinese": "gb18030",
        "big5": "big5hkscs",
        "iso-2022-jp": "iso2022_jp_ext",
        "shift_jis": "cp932",
        "ks_c_5601-1987": "cp949",
        "iso-8859-1": "cp1252",
        "us-ascii": "utf-8",
        "ascii": "utf-8",
    }
)
# Tried in this order when the claim is wrong. UTF-8 is never right by chance; GB 18030 is, so it comes last.
_LIKELY: Final = ("utf-8", "gb18030")
# Nobody reads more of it, and decoding takes longer than its length says.
_LONGEST_HEADER: Final = 10_000
_FITS_ANYTHING: Final = ("iso-8859", "windows-125", "latin")
_UNKEPT: Final = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\ud800-\udfff]")
_LINE_ENDS: Final = re.compile(r"\r\n?")


def decoded(raw: bytes, charset: str | None) -> str:
    """The text of these bytes, with ``\\n`` at the ends of lines."""
    claimed = (charset or "utf-8").strip().strip("'\"").lower()
    names = [_WIDER.get(claimed, claimed), *_LIKELY]
    if claimed.startswith(_FITS_ANYTHING):
        names.insert(0, "utf-8")
    for name in dict.fromkeys(names):
        try:
            return cleaned(raw.decode(name))
        except (LookupError, ValueError):
            continue
    return cleaned(raw.decode("utf-8", "replace"))


def raw_headers(mail: Message, *names: str) -> list[str]:
    """The values of these headers as written, in the order of the mail; bytes beyond ASCII are halves of surrogates."""
    wanted = [name.lower() for name in names]
    return [str(value) for name, value in mail.raw_items() if name.lower() in wanted]


def header(mail: Message, name: str) -> str:
    """The first header of this name as people read it; nothing where there is none."""
    return header_text(next(iter(raw_headers(mail, name)), ""))


def header_text(raw: str) -> str:
    """A header's value as people read it, on one line; encoded words (RFC 2047) that are broken as far as they go."""
    raw = _readable(raw[:_LONGEST_HEADER])
    try:
        parts = decode_header(raw)
    except (HeaderParseError, BadBase64, ValueError):
        parts = [(raw, None)]
    texts = (part if isinstance(part, str) else decoded(part, charset) for part, charset in parts)
    return " ".join(cleaned("".join(texts)).split())


def cleaned(text: str) -> str:
    """The text without what the database can't keep and nobody means, and with one kind of line ends."""
    return _UNKEPT.sub("", _LINE_ENDS.sub("\n", text))


def _readable(raw: str) -> str:
    """A header whose bytes beyond ASCII came as they are, which the parser gives as halves of surrogates."""
    if raw.isascii():
        return raw
    return decoded(raw.encode("utf-8", "surrogateescape"), None)
