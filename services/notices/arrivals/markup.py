"""The words of a mail that is only there as HTML. Tags go, nothing is run or loaded."""

from __future__ import annotations

import re
import string
from html.parser import HTMLParser
from typing import Final

# Beyond this a mail's HTML is a data set; the parser's time grows with it.
LONGEST_HTML: Final = 2_000_000
# What people don't see: where it begins and where it ends.
_UNSEEN: Final = (("<!--", "-->"), ("<script", "</script"), ("<style", "</style"), ("<title", "</title"))
_NEW_LINE: Final = frozenset(
    {"address", "article", "blockquote", "br", "dd", "div", "dl", "dt", "footer",
     "form", "h1", "h2", "h3", "h4", "h5", "h6", "header", "hr", "li", "main", "ol", "p", "pre",
     "section", "table", "td", "th", "tr", "ul"}
)  # fmt: skip
# None of these looks further than the next bracket, so that all of them together read the text once.
_DECLARATION: Final = re.compile(r"<[!?][^<>]*>")
_TAG: Final = re.compile(r"<(/?[a-zA-Z][a-zA-Z0-9]{0,20})(?:[\s/:][^<>]*)?>")
# Those whose whole rest the parser takes for theirs when they are not closed.
_SWALLOWING: Final = re.compile(
    r"</?(?:script|style|title|textarea|iframe|xmp|plaintext|noscript|noembed|noframes)>", re.IGNORECASE
)
_NO_TAG: Final = re.compile(r"<(?!/?[a-zA-Z][a-zA-Z0-9]{0,20}>)")
_SMALL: Final = str.maketrans(string.ascii_uppercase, string.ascii_lowercase)
_BLANK_LINES: Final = re.compile(r"\n{3,}")


def text_of(html: str) -> str:
    """What a person would read, line by line. Lines of a quoted mail begin with ``>``, as in plain text."""
    reader = _Reader()
    reader.feed(_plain_tags(html[:LONGEST_HTML]))
    reader.close()
    return reader.text()


def _plain_tags(html: str) -> str:
    """The document with nothing but bare tags and text: its parser needs hours for some that are broken on purpose."""
    for begin, end in _UNSEEN:
        html = _without(html, begin, end)
    html = _TAG.sub(r"<\1>", _DECLARATION.sub("", html))
    return _NO_TAG.sub("&lt;", _SWALLOWING.sub("", html))


def _without(html: str, begin: str, end: str) -> str:
    """Without what stands between these marks. One that is never closed hides nothing."""
    folded = html.translate(_SMALL)
    last_bracket = folded.rfind(">")
    kept: list[str] = []
    place = 0
    while True:
        start = folded.find(begin, place)
        after = -1 if start < 0 else folded.find(end, start)
        if after < 0:
            kept.append(html[place:])
            return "".join(kept)
        kept.append(html[place:start])
        place = after + len(end)
        if not end.endswith(">") and place <= last_bracket:
            place = folded.find(">", place) + 1


class _Reader(HTMLParser):
    """Gathers the text of a document in lines."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self._lines: list[str] = []
        self._line: list[str] = []
        self._quotes = 0

    def text(self) -> str:
        self._end_line()
        return _BLANK_LINES.sub("\n\n", "\n".join(self._lines)).strip()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in _NEW_LINE:
            self._end_line()
        if tag == "p":
            self._lines.append("")
        if tag == "blockquote":
            self._quotes += 1

    def handle_endtag(self, tag: str) -> None:
        if tag in _NEW_LINE:
            self._end_line()
        if tag == "blockquote":
            self._quotes = max(0, self._quotes - 1)

    def handle_data(self, data: str) -> None:
        self._line.append(data)

    def _end_line(self) -> None:
        words = " ".join("".join(self._line).split())
        self._line.clear()
        if words:
            self._lines.append(f"> {words}" if self._quotes else words)
