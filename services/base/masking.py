"""Makes the masked copy of what a customer wrote: names, numbers and addresses out, the meaning left in.

Judging, searching and learning work on this copy. It is a careful reader's pass, not anonymisation by law: a person
described in words ("my neighbour the baker") stays described. Numbers that carry meaning stay readable: hotlines and
emergency numbers (10086, 12300, 110, 911), prices, dates, years, speeds and data volumes.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Callable, Sequence
from typing import Final

PLACEHOLDER: Final = re.compile(r"‹(?:name|phone|email|id|number|account|handle|address|url|ip|mac)›")


def mask(text: str, names: Sequence[str] = ()) -> str:
    """The text with personal data replaced by placeholders such as ``‹phone›``.

    ``names`` are the customer's names as posted; each is replaced wherever it stands, and so are the parts of a name
    in Latin letters and a Chinese surname before a form of address. Every handle (``@somebody``) is replaced, an
    operator's too: telling public accounts from private ones would need a list, and a handle says nothing about
    what went wrong. Masking what is masked changes nothing, and the time is linear in the length of the text.
    """
    text = text.translate(_HALF_WIDTH)
    named = _names_pattern(names)
    while (masked := _mask_once(text, named)) != text:
        text = masked
    return text


class Unmasked:
    """Leads from positions in a masked copy to where the same words stand in the original."""

    def __init__(self, original: str, masked: str) -> None:
        plain = original.translate(_HALF_WIDTH)
        self._length = len(original)
        # Where the pieces between placeholders begin, in the copy and in the original.
        self._starts: list[int] = []
        self._origins: list[int] = []
        start = origin = 0
        for piece in (*PLACEHOLDER.finditer(masked), None):
            end = len(masked) if piece is None else piece.start()
            # A placeholder stands for one character at least, but for the first piece, which begins at the beginning.
            found = plain.find(masked[start:end], origin + bool(self._starts))
            origin = found if found >= 0 else origin
            self._starts.append(start)
            self._origins.append(origin)
            origin += end - start
            start = len(masked) if piece is None else piece.end()

    def span(self, start: int, end: int) -> tuple[int, int]:
        """Where the words from ``start`` to ``end`` of the copy, placeholders apart, stand in the original."""
        piece = bisect_right(self._starts, start) - 1
        moved = self._origins[piece] - self._starts[piece]
        return min(start + moved, self._length), min(end + moved, self._length)


_GAP = r"[ \t.\-‐‑–—]"
_NOT_IN_WORD = r"(?<![a-z0-9])"
_UNIT = r"(?:[ ]?(?:元|块|圆|万|[KMGT]B?\b|[KMG]bps|bytes?|字节|dollars|yuan|RMB|USD|CNY))"
_WEB_NAME_END = r"\.(?:com|cn|net|org|me|io|co|ly)/"
_ENGLISH_STREET = (
    "(?:Street|St|Avenue|Ave|Road|Rd|Lane|Ln|Drive|Dr|Boulevard|Blvd|Court|Ct|Way|Place|Pl|Terrace|Circle|Highway|Hwy)"
)

# No alternative begins within a run of letters, of digits or of anything else, so the last one steps over such a run
# at once; that keeps the whole linear and quick.
_PERSONAL = re.compile(
    rf"""
      (?=[a-z0-9._%+\-])(?:
      (?P<url>   {_NOT_IN_WORD}(?:https?://|www\.)[a-z0-9\-._~:/?\#\[\]@!$&'()*+,;=%]+
               | (?<![a-z0-9.\-@])(?:[a-z0-9\-]{{1,40}}\.)?[a-z0-9\-]{{1,40}}{_WEB_NAME_END}[a-z0-9\-._~/?\#=&%]* )
    | (?P<email> (?<![a-z0-9._%+\-])[a-z0-9._%+\-]+@[a-z0-9\-]{{1,63}}(?:\.[a-z0-9\-]{{1,63}}){{1,4}} )
    | (?P<mac>   {_NOT_IN_WORD}[0-9a-f]{{2}}(?:[:\-][0-9a-f]{{2}}){{5}}(?![0-9a-f]) )
    | (?P<ip>    (?<![\d.])\d{{1,3}}(?:\.\d{{1,3}}){{3}}(?![\d.])
               | (?<![0-9a-z:])(?:[0-9a-f]{{1,4}}:){{7}}[0-9a-f]{{1,4}}(?![0-9a-f:])
               | (?<![0-9a-z:])(?:[0-9a-f]{{1,4}}:){{2,6}}(?::[0-9a-f]{{1,4}}){{1,5}}(?![0-9a-f:]) )
      )
    | (?P<handle> @(?: (?!\d)[\w\-]{{0,16}}?(?:网上营业厅|营业厅|客服中心|客服|\d{{5}}(?!\d))
                     | (?!\d)[\w\-]{{1,30}} | \d{{5,12}}(?![\d.]) ) )
    | (?=[\d+(（])(?:
      (?P<id>    (?<!\d)\d{{6}}[ ]?(?:18|19|20)\d{{2}}[ ]?(?:0[1-9]|1[0-2])[0-3]\d[ ]?\d{{3}}[\dx](?![0-9a-z])
               | (?<![\d\-])\d{{3}}-\d{{2}}-\d{{4}}(?![\d\-]) )
    | (?P<phone> (?<!\d)(?:(?:\+|00)?86{_GAP}{{0,2}})?1[3-9]\d
                   (?:{_GAP}?\d{{4}}{_GAP}?\d{{4}}|{_GAP}\d{{3}}{_GAP}?\d{{5}})(?!\d)
               | (?<!\d)1[3-9]\d{{1,2}}[*＊x×]{{3,6}}\d{{2,4}}(?!\d)
               | \+\d{{1,3}}(?:[ \-.()]{{0,2}}\d){{6,14}}(?!\d)
               | [(（]0\d{{2,3}}[)）]{_GAP}?\d{{3,4}}{_GAP}?\d{{4}}(?!\d)
               | (?<!\d)0\d{{2,3}}{_GAP}?\d{{7,8}}(?:(?:-|转|ext\.?[ ]?)\d{{1,5}})?(?!\d)
               | (?<!\d)0\d{{2,4}}{_GAP}\d{{3,4}}{_GAP}?\d{{3,4}}(?!\d)
               | (?<!\d)(?:1{_GAP})?(?:[(]\d{{3}}[)][ ]?|\d{{3}}{_GAP})\d{{3}}{_GAP}\d{{4}}(?!\d)
               | (?<!\d)[48]00{_GAP}?\d{{3}}{_GAP}?\d{{4}}(?!\d) )
    | (?P<number> (?<!\d)\d{{4}}(?:[ \-]\d{{4}}){{3,4}}(?:[ \-]\d{{1,3}})?(?!\d)
               | (?<![\d.,])\d{{9,}}(?![\da-z_\-])
               | (?<![\d.,¥￥$£€\-a-z_])(?!1008[68]\d|100[01]0\d|(?:19|20)\d\d[01]\d[0-3]\d(?!\d))
                 \d{{7,8}}(?![\da-z_\-]|[.,]\d|{_UNIT}) )
    | (?P<address> (?<![\w.])\d{{1,6}}[ ](?:[NSEW]\.?[ ])?(?-i:[A-Z][A-Za-z'.]{{0,20}}[ ]){{1,3}}
                   {_ENGLISH_STREET}(?![a-z])\.?(?:,?[ ](?:Apt|Suite|Unit|\#)\.?[ ]?[0-9a-z]{{1,6}}(?![0-9a-z]))? )
      )
    | (?P<code>  (?<![a-z0-9_\-])(?=[a-z_\-]{{0,40}}\d)[a-z0-9]+(?:[\-_][a-z0-9]+)* )
    | (?P<plain> [a-z]+ | \d+ | [^a-z\d@+(（]+ )
    """,
    re.VERBOSE | re.IGNORECASE,
)
_CHINESE_ADDRESS = re.compile(
    r"""
      (?:路|街|大道|巷|弄|胡同)[\d一二三四五六七八九十百]{1,6}[号弄](?:院|楼)?
      (?:[\d一二三四五六七八九十a-z]{1,4}(?:号楼|[号栋幢座层楼室房]|单元))*
    | [\d一二三四五六七八九十]{1,4}(?:号楼|[栋幢座]|单元)
      (?:[\d一二三四五六七八九十]{1,4}(?:单元|[层楼]))?[\d一二三四五六七八九十]{1,5}[室房号]
    """,
    re.VERBOSE | re.IGNORECASE,
)
_STREET_NAME = re.compile(r"(?:(?![的在住是于了到从与我你他她就个])[\u4e00-\u9fff]){2,6}\Z")
_LONGEST_STREET_NAME = 6

# Written alike for matching: full-width digits and signs.
_HALF_WIDTH = str.maketrans("０１２３４５６７８９＠＋", "0123456789@+")
_DATE = r"(?:19|20)\d\d(?:-?\d{1,2}(?:-?\d{1,2})?)?(?:T\d\d)?"
_DATES = re.compile(rf"{_DATE}(?:[\-_]{_DATE})?", re.IGNORECASE)
_MEASURE = re.compile(r"\d+(?:k|m|g|t)?(?:b|bit|bps|b/s|hz|ms|min|s|th|st|nd|rd|mah|mb|gb|kb)?", re.IGNORECASE)
_CUSTOMER_CODE = re.compile(r"[a-z]{1,5}[\-_]\d{4,}(?:[\-_][0-9a-z]+)*", re.IGNORECASE)
_FEWEST_DIGITS_OF_CODE = 6

# Parts of a name that are also the words of a complaint: masked in the full name only.
_WORDS_OF_COMPLAINTS = frozenset(
    {"account", "agent", "april", "art", "bill", "business", "caller", "cash", "chance", "chip", "client", "company"}
    | {"cost", "customer", "grant", "june", "law", "line", "long", "major", "mark", "may", "miles", "more", "page"}
    | {"penny", "person", "phone", "power", "price", "rich", "short", "speed", "subscriber", "test", "towers", "user"}
    | {"wait", "will"}
)


def _mask_once(text: str, named: re.Pattern[str] | None) -> str:
    """One pass over what stands between the placeholders, each piece by itself."""
    text = _between_placeholders(text, lambda piece: _mask_chinese_addresses(_PERSONAL.sub(_placeholder, piece)))
    return text if named is None else _between_placeholders(text, lambda piece: named.sub("‹name›", piece))


def _between_placeholders(text: str, change: Callable[[str], str]) -> str:
    pieces: list[str] = []
    at = 0
    for placeholder in PLACEHOLDER.finditer(text):
        pieces += (change(text[at : placeholder.start()]), placeholder.group())
        at = placeholder.end()
    return "".join((*pieces, change(text[at:])))


def _placeholder(found: re.Match[str]) -> str:
    kind = found.lastgroup
    if kind == "plain":
        return found.group()
    if kind == "code":
        return "‹account›" if _is_customer_code(found.group()) else found.group()
    return f"‹{kind}›"


def _mask_chinese_addresses(piece: str) -> str:
    """A house number gives the address away; the street's name is the few characters before it."""
    pieces: list[str] = []
    at = 0
    for house in _CHINESE_ADDRESS.finditer(piece):
        before = piece[max(at, house.start() - _LONGEST_STREET_NAME) : house.start()]
        street = _STREET_NAME.search(before)
        start = house.start() - len(street.group()) if street else house.start()
        pieces += (piece[at:start], "‹address›")
        at = house.end()
    return "".join((*pieces, piece[at:]))


def _is_customer_code(token: str) -> bool:
    """Whether letters, digits and hyphens are somebody's code (BJ-5520-7781) rather than a date or a device."""
    if _MEASURE.fullmatch(token) or _DATES.fullmatch(token):
        return False
    return bool(_CUSTOMER_CODE.fullmatch(token)) or sum(map(str.isdigit, token)) >= _FEWEST_DIGITS_OF_CODE


def _names_pattern(names: Sequence[str]) -> re.Pattern[str] | None:
    """What to look for, longest first; None when there is nothing that could be looked for safely."""
    wanted: set[str] = set()
    for name in {" ".join(name.split()) for name in names}:
        if len(name) < 2 or not any(map(str.isalpha, name)) or "‹" in name or "›" in name:
            continue
        if name.isascii() or " " in name:
            wanted.add(_in_any_case(name))
            wanted.update(
                rf"\b{re.escape(part)}\b"
                for part in name.split()
                if len(part) > 2 and part.isalpha() and part.casefold() not in _WORDS_OF_COMPLAINTS
            )
        else:
            wanted.add(re.escape(name))
            if len(name) <= 4:
                wanted.add(rf"{re.escape(name[0])}(?=先生|女士|小姐|太太)")
    return re.compile("|".join(sorted(wanted, key=len, reverse=True))) if wanted else None


def _in_any_case(name: str) -> str:
    """The full name in any case, with any run of blanks between its parts."""
    parts = (re.escape(part) for part in name.split())
    return r"(?i:(?<!\w)" + r"\s+".join(parts) + r"(?!\w))"
