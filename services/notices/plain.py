"""Plain text for letters: made clean, shortened, and turned into HTML. It knows nothing of notices."""

from __future__ import annotations

import re
from itertools import pairwise
from typing import Final

from markupsafe import Markup, escape

# What moves the text around it or can't be seen; joiners stay, because emoji and some scripts are made with them.
_UNSEEN: Final = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b\u200e\u200f\u2028-\u202e\u2060-\u2069\ufeff\ufff9-\ufffb]"
)
_LINE_ENDS: Final = re.compile("\r\n?|[\x0b\x0c\x85\u2028\u2029]")
_SPACES_AT_END: Final = re.compile(r"[ \t]+$", re.MULTILINE)
_BLANK_LINES: Final = re.compile(r"\n{3,}")
_PARAGRAPH: Final = re.compile(r"\n\n+")
_URL: Final = re.compile(r"https?://[A-Za-z0-9\-._~:/?#\[\]@!$&'()*+,;=%]+")
_AFTER_URL: Final = ".,;:!?)]'"
_CODE: Final = re.compile(r"(?<![\w-])(?=[A-Z0-9-]{5,20}(?![\w-]))[A-Z0-9]+(?:-[A-Z0-9]+)+", re.ASCII)
_NUMBERED: Final = re.compile(r"([0-9]{1,3})\. (.+)")
_BREAKS: Final = " 。，；！？、.,;!?"


def clean(text: str) -> str:
    """The text without what can't be seen, with ``\\n`` as the only line end."""
    return _UNSEEN.sub("", _LINE_ENDS.sub("\n", text))


def one_line(text: str) -> str:
    """The text on one line, without what can't be seen."""
    return " ".join(clean(text).split())


def tidy(text: str) -> str:
    """The text of a letter without gaps: no spaces at the ends of lines, no blank lines in a row."""
    return _BLANK_LINES.sub("\n\n", _SPACES_AT_END.sub("", text)).strip("\n")


def shortened(text: str, most: int, mark: str = "…") -> str:
    """The text in ``most`` characters, ``mark`` included. It is cut after a word or a sentence if one ends nearby."""
    if len(text) <= most:
        return text
    kept = text[: max(most - len(mark), 0)]
    if text[len(kept)] not in _BREAKS:
        end = max(kept.rfind(sign) for sign in _BREAKS)
        if end >= len(kept) * 2 // 3:
            kept = kept[: end + 1]
    # Half of an emoji that is made of several characters would be another one.
    return kept.rstrip(" ，；、,;\u200d\ufe0f") + mark


def as_html(text: str) -> Markup:
    """The text as paragraphs, everything in it escaped, links to click on, and numbered lines as a list."""
    return Markup("\n").join(_block(block.split("\n")) for block in _PARAGRAPH.split(text.strip("\n")) if block)


def unbroken(text: str) -> Markup:
    """The text, escaped, with references such as ``RD-7K3M-9PQ2-X`` kept on one line."""
    html, end = Markup(""), 0
    for match in _CODE.finditer(text):
        html += escape(text[end : match.start()])
        html += Markup('<span style="white-space:nowrap">{}</span>').format(match.group())
        end = match.end()
    return html + escape(text[end:])


def _block(lines: list[str]) -> Markup:
    listed = _numbered_from(lines)
    if listed is None:
        return _paragraph(lines)
    html = _paragraph(lines[:listed]) if listed else Markup("")
    found = [match for line in lines[listed:] if (match := _NUMBERED.fullmatch(line))]
    items = Markup("").join(
        Markup('<li value="{}" style="margin:0 0 6px">{}</li>').format(match[1], _linked(match[2])) for match in found
    )
    return html + Markup('<ol style="margin:0 0 16px;padding-left:1.6em">{}</ol>').format(items)


def _numbered_from(lines: list[str]) -> int | None:
    """Where a list of lines that count up by one begins and goes to the end; None when there is none."""
    matches = [_NUMBERED.fullmatch(line) for line in lines]
    first = next((at for at, match in enumerate(matches) if match), None)
    if first is None or not all(matches[first:]):
        return None
    numbers = [int(match[1]) for match in matches[first:] if match]
    return first if all(after == before + 1 for before, after in pairwise(numbers)) else None


def _paragraph(lines: list[str]) -> Markup:
    return Markup('<p style="margin:0 0 16px">{}</p>').format(Markup("<br>\n").join(_linked(line) for line in lines))


def _linked(line: str) -> Markup:
    html, end = Markup(""), 0
    for match in _URL.finditer(line):
        url = match.group().rstrip(_AFTER_URL)
        link = Markup('<a href="{0}" style="color:#0b57d0;word-break:break-all">{0}</a>').format(url)
        html += unbroken(line[end : match.start()]) + link
        end = match.start() + len(url)
    return html + unbroken(line[end:])
