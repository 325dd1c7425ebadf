"""Reading a file out of a request as it comes: as the body itself, or as the one file of a form.

Nothing is held but the piece that has just come; what becomes of the file is decided by whoever reads it
(`services.base.files.receiving`).
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from email.message import Message
from typing import Final

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header
from starlette.requests import Request

from services.base.errors import FieldProblem, Invalid, Refused
from services.base.files.receiving import MIB, too_large
from web.bodies import header
from web.validation import Malformed

# What a form writes around its file.
_AROUND: Final = 64 * 1024
_DIGITS: Final = re.compile(r"[0-9]{1,15}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Upload:
    """A file on its way: what its sender calls it and declares it to be (None: nothing), and its pieces, once."""

    name: str | None
    declared: str | None
    chunks: AsyncIterator[bytes]


async def upload_of(request: Request, largest: int) -> Upload:
    """The file in the request, of ``largest`` MiB at most.

    A body of type ``multipart/form-data`` holds it as its only part; any other is the file itself, and the header
    ``Content-Disposition`` may name it. Raises `TooLarge` when the declared length is too great already, `Malformed`
    for a form that can't be read and `Invalid` for one that holds no file.
    """
    declared = header(request, b"content-type")
    is_form = (declared or "").partition(";")[0].strip().lower() == "multipart/form-data"
    most = largest * MIB + (_AROUND if is_form else 0)
    length = header(request, b"content-length")
    if length is not None and (not _DIGITS.fullmatch(length) or int(length) > most):
        raise too_large(largest)
    if is_form:
        return await _of_form(request, declared or "", largest, most)
    return Upload(_named_by(header(request, b"content-disposition")), declared, request.stream())


async def _of_form(request: Request, content_type: str, largest: int, most: int) -> Upload:
    _, options = parse_options_header(content_type)
    form = _Form(options.get(b"boundary", b""))
    chunks = _of_file(request, form, largest, most)
    # The name stands before the first piece.
    first = await anext(chunks, b"")
    if form.part is None:
        raise _no_file()
    return Upload(form.part.name, form.part.declared, _with_first(first, chunks))


async def _with_first(first: bytes, chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    yield first
    async for chunk in chunks:
        yield chunk


async def _of_file(request: Request, form: _Form, largest: int, most: int) -> AsyncIterator[bytes]:
    """The file of the form in pieces; the first, which may be empty, comes as soon as the file's part has begun."""
    read, begun = 0, False
    async for chunk in request.stream():
        read += len(chunk)
        if read > most:
            raise too_large(largest)
        found = form.read(chunk)
        if found or (form.part is not None and not begun):
            begun = True
            yield found
        if form.ended:
            return
    raise Malformed("the form ends in the middle; send it again, whole")


@dataclass(slots=True)
class _Part:
    name: str | None = None
    declared: str | None = None
    headers: dict[bytes, bytes] = field(default_factory=dict)


class _Form:
    """A form of one file, read as it comes."""

    def __init__(self, boundary: bytes) -> None:
        self.part: _Part | None = None
        self.ended = False
        self._part = _Part()
        self._header, self._value = bytearray(), bytearray()
        self._found = bytearray()
        try:
            if not boundary:
                raise FormParserError("its Content-Type names no boundary")
            self._parser = MultipartParser(
                boundary,
                {
                    "on_header_field": lambda data, start, end: self._header.extend(data[start:end]),
                    "on_header_value": lambda data, start, end: self._value.extend(data[start:end]),
                    "on_header_end": self._on_header,
                    "on_headers_finished": self._on_part,
                    "on_part_data": lambda data, start, end: self._found.extend(data[start:end]),
                    "on_end": self._on_end,
                },
            )
        except FormParserError as error:
            raise _unreadable(error) from None

    def read(self, chunk: bytes) -> bytes:
        """What of the file is in the next piece of the body."""
        try:
            self._parser.write(chunk)
        except FormParserError as error:
            raise _unreadable(error) from None
        found, self._found = bytes(self._found), bytearray()
        return found

    def _on_header(self) -> None:
        self._part.headers[bytes(self._header).lower()] = bytes(self._value)
        self._header.clear()
        self._value.clear()

    def _on_part(self) -> None:
        part, self._part = self._part, _Part()
        _, options = parse_options_header(part.headers.get(b"content-disposition"))
        name = options.get(b"filename")
        if name is None or self.part is not None:
            raise _no_file()
        part.name = name.decode("utf-8", "replace") or None
        part.declared = part.headers.get(b"content-type", b"").decode("latin-1") or None
        self.part = part

    def _on_end(self) -> None:
        self.ended = True


def _named_by(disposition: str | None) -> str | None:
    """The file's name in a header, in its plain form or that of RFC 6266 for other than ASCII."""
    if not disposition:
        return None
    message = Message()
    # Many write UTF-8 where the standard has Latin-1.
    written = disposition.encode("latin-1")
    try:
        message["Content-Disposition"] = written.decode("utf-8")
    except UnicodeDecodeError:
        message["Content-Disposition"] = disposition
    return message.get_filename()


def _unreadable(error: Exception) -> Refused:
    return Malformed(f"the form can't be read: {error}")


def _no_file() -> Invalid:
    return Invalid(
        "the form must hold one file and nothing else; send each file by itself, and words as a message",
        (FieldProblem("file", "must be the only part of the form, with a filename", "one_file"),),
    )
