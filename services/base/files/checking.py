"""What a file is, by its content and nothing else: one of a few kinds, whole, and not something else besides.

The name and the declared type are what a sender says. Each kind is followed along its own structure to its end; what
comes after that, or before a browser would have made up its mind, must not be a file of another kind. What a scanner
is for (malware inside a well-formed file) is not looked for here.
"""

from __future__ import annotations

import mmap
import re
from collections.abc import Callable, Collection, Mapping
from types import MappingProxyType
from typing import BinaryIO, Final

import filetype

from services.base.errors import FieldProblem, Invalid

Content = mmap.mmap
End = Callable[[Content], int | None]

_NAMES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "image/jpeg": "JPEG",
        "image/png": "PNG",
        "image/gif": "GIF",
        "image/webp": "WebP",
        "image/heic": "HEIC",
        "application/pdf": "PDF",
    }
)
_ALSO_CALLED: Final[Mapping[str, str]] = MappingProxyType(
    {
        "image/jpg": "image/jpeg",
        "image/pjpeg": "image/jpeg",
        "image/x-png": "image/png",
        "image/heif": "image/heic",
        "application/x-pdf": "application/pdf",
    }
)
# With these a sender says nothing about the file; the last two are what tools write unasked.
_SAY_NOTHING: Final = frozenset(
    {"", "application/octet-stream", "binary/octet-stream", "application/x-www-form-urlencoded"}
)
_HEIC_BRANDS: Final = frozenset({b"heic", b"heix", b"heim", b"heis"})
_HEIC_FAMILY: Final = frozenset({b"mif1", b"msf1"})
_HEAD: Final = 4096
_TAIL: Final = 64 * 1024
_WINDOW: Final = 1024 * 1024
# No honest file has more pieces; a made-up one would keep a thread busy.
_MOST_PIECES: Final = 1_000_000
_MARKUP: Final = re.compile(rb"<(?:script|html|!doctype|svg|iframe|body|\?php)", re.IGNORECASE)
_ZIP_END: Final = b"PK\x05\x06"
_ZIP_END_LENGTH: Final = 22


def check(file: BinaryIO, kinds: Collection[str], declared: str | None = None) -> str:
    """The media type of a file that has something in it, one of ``kinds``.

    Raises `Invalid` with one of the codes ``wrong_kind``, ``contradicts`` (what its sender declared), ``damaged`` and
    ``mixed``. Takes as long as the file is large: to be called in a thread.
    """
    with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        media_type = _media_type(content)
        if media_type is None or media_type not in kinds:
            raise _wrong_kind(media_type or _other_kind(content[:_HEAD]), kinds)
        _require_declared(media_type, declared)
        end = _ENDS[media_type](content)
        if end is None or end > len(content):
            name = _NAMES[media_type]
            raise _refusal(f"is a {name} that is cut short or damaged", "damaged", "send the whole file")
        if _is_something_else_too(content, end):
            raise _refusal(
                f"is a {_NAMES[media_type]} with another file inside it", "mixed", "send a plain photo or document"
            )
        return media_type


def _media_type(content: Content) -> str | None:
    head = content[:_HEAD]
    if head.startswith(b"\xff\xd8\xff"):
        return "image/jpeg"
    if head.startswith(b"\x89PNG\r\n\x1a\n"):
        return "image/png"
    if head.startswith((b"GIF87a", b"GIF89a")):
        return "image/gif"
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "image/webp"
    if head.startswith(b"%PDF-"):
        return "application/pdf"
    return "image/heic" if _is_heic(head) else None


def _is_heic(head: bytes) -> bool:
    if head[4:8] != b"ftyp":
        return False
    length = int.from_bytes(head[:4], "big")
    brands = {head[at : at + 4] for at in range(16, min(length, len(head)), 4)}
    return head[8:12] in _HEIC_BRANDS or (head[8:12] in _HEIC_FAMILY and bool(brands & _HEIC_BRANDS))


def _other_kind(head: bytes) -> str | None:
    found = filetype.guess(head)
    if found is not None:
        return str(found.mime)
    return "a page or a script" if _MARKUP.search(head) else None


def _require_declared(media_type: str, declared: str | None) -> None:
    named = (declared or "").partition(";")[0].strip().lower()
    if named not in _SAY_NOTHING and _ALSO_CALLED.get(named, named) != media_type:
        raise _refusal(
            f"is declared as {named[:60]}, and is a {_NAMES[media_type]}",
            "contradicts",
            f"declare it as {media_type}, or as application/octet-stream",
        )


def _is_something_else_too(content: Content, end: int) -> bool:
    """Whether another reader would see another file in it: an archive, a document, a page, a program.

    A picture or film after the end of a picture is what phones write (a photo that moves, a map of its light).
    """
    if content[:5] != b"%PDF-" and content.find(b"%PDF-", 0, _HEAD) >= 0:
        return True
    rest = content[end : end + _TAIL].lstrip(b"\0\t\r\n ")
    other = filetype.guess(rest[:_HEAD])
    if other is not None and not other.mime.startswith(("image/", "video/")):
        return True
    return _has_markup(content[:_HEAD]) or _has_markup(rest) or _ends_as_archive(content)


def _has_markup(part: bytes) -> bool:
    return _MARKUP.search(part) is not None


def _ends_as_archive(content: Content) -> bool:
    """Archives (also programs in Java, office documents) are read from their end, wherever they begin."""
    at = content.rfind(_ZIP_END, max(0, len(content) - _TAIL - _ZIP_END_LENGTH))
    if at < 0 or at + _ZIP_END_LENGTH > len(content):
        return False
    directory = int.from_bytes(content[at + 12 : at + 16], "little")
    return content.find(b"PK\x01\x02", max(0, at - directory), at) >= 0


def _end_of_jpeg(content: Content) -> int | None:
    at, pictured = 2, False
    for _ in range(_MOST_PIECES):
        if content[at : at + 1] != b"\xff" or at + 1 >= len(content):
            return None
        marker = content[at + 1]
        if marker == 0xD9:
            return at + 2 if pictured else None
        if marker == 0xFF:
            at += 1
            continue
        length = int.from_bytes(content[at + 2 : at + 4], "big")
        if length < 2:
            return None
        at += 2 + length
        if marker == 0xDA:
            pictured = True
            at = _find(_MARKER, content, at)
    return None


# Within a picture's data: not a stuffed zero, nor one of the marks from which reading can begin anew.
_MARKER: Final = re.compile(rb"\xff[^\x00\xff\xd0-\xd7]")


def _find(pattern: re.Pattern[bytes], content: Content, start: int) -> int:
    """Where the pattern, of two bytes, is found first; the content's end when it isn't.

    In pieces: a search lets no other thread run.
    """
    for at in range(start, len(content), _WINDOW):
        found = pattern.search(content, at, at + _WINDOW + 1)
        if found is not None:
            return found.start()
    return len(content)


def _end_of_png(content: Content) -> int | None:
    at, kind = 8, b"IHDR"
    if content[at + 4 : at + 8] != kind:
        return None
    for _ in range(_MOST_PIECES):
        length, kind = int.from_bytes(content[at : at + 4], "big"), content[at + 4 : at + 8]
        at += 12 + length
        if kind == b"IEND" or at > len(content) or not kind:
            break
    return at if kind == b"IEND" else None


def _end_of_gif(content: Content) -> int | None:
    at = 13 + _colours(content, 10)
    pictured = False
    for _ in range(_MOST_PIECES):
        match content[at : at + 1]:
            case b";":
                return at + 1 if pictured else None
            case b"!":
                at += 2
            case b"," if at + 10 <= len(content):
                pictured = True
                at += 11 + _colours(content, at + 9)
            case _:
                return None
        at = _after_blocks(content, at)
    return None


def _colours(content: Content, at: int) -> int:
    """The length of the table of colours that the flags at this place tell of."""
    flags = content[at] if at < len(content) else 0
    return 3 << ((flags & 7) + 1) if flags & 0x80 else 0


def _after_blocks(content: Content, at: int) -> int:
    for _ in range(_MOST_PIECES):
        if at >= len(content) or not content[at]:
            break
        at += 1 + content[at]
    return at + 1


def _end_of_webp(content: Content) -> int | None:
    length = int.from_bytes(content[4:8], "little")
    return 8 + length + length % 2 if content[12:16] in (b"VP8 ", b"VP8L", b"VP8X") else None


def _end_of_heic(content: Content) -> int | None:
    at = 0
    found: set[bytes] = set()
    for _ in range(_MOST_PIECES):
        length, kind = int.from_bytes(content[at : at + 4], "big"), content[at + 4 : at + 8]
        if length == 1:
            length = int.from_bytes(content[at + 8 : at + 16], "big")
        if len(kind) < 4 or not kind.isalnum():
            break
        found.add(kind)
        at = at + length if length else len(content)
        if length == 0 or length < 8 or at > len(content):
            break
    return at if {b"meta", b"mdat"} <= found else None


def _end_of_pdf(content: Content) -> int | None:
    at = content.rfind(b"%%EOF", max(0, len(content) - _TAIL))
    return at + 5 if at >= 0 else None


_ENDS: Final[Mapping[str, End]] = MappingProxyType(
    {
        "image/jpeg": _end_of_jpeg,
        "image/png": _end_of_png,
        "image/gif": _end_of_gif,
        "image/webp": _end_of_webp,
        "image/heic": _end_of_heic,
        "application/pdf": _end_of_pdf,
    }
)


def _wrong_kind(found: str | None, kinds: Collection[str]) -> Invalid:
    taken = [name for media_type, name in _NAMES.items() if media_type in kinds]
    looks = f"is {_NAMES.get(found, found)}" if found else "is of no kind that is known"
    return _refusal(f"{looks}, which is not taken", "wrong_kind", f"send one of {', '.join(taken)}")


def _refusal(what: str, code: str, instead: str) -> Invalid:
    return Invalid(f"the file {what}; {instead}", (FieldProblem("file", f"{what}; {instead}", code),))
