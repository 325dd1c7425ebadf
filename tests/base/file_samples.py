"""Files as customers send them, made by the libraries that make such files, and some that only look like them."""

from __future__ import annotations

import io
import random
import zipfile
from collections.abc import AsyncIterator

from PIL import Image
from reportlab.pdfgen.canvas import Canvas

KINDS = ("image/jpeg", "image/png", "image/gif", "image/webp", "image/heic", "application/pdf")


def picture(form: str, side: int = 64, seed: int = 1, **options: object) -> bytes:
    """A picture of noise: ``form`` is JPEG, PNG, GIF or WEBP; another ``seed`` makes another one."""
    noise = random.Random(seed).randbytes(side * side * 3)
    written = io.BytesIO()
    Image.frombytes("RGB", (side, side), noise).save(written, form, **options)
    return written.getvalue()


def png(seed: int = 1, side: int = 64) -> bytes:
    return picture("PNG", side, seed)


def jpeg() -> bytes:
    return picture("JPEG")


def pdf() -> bytes:
    written = io.BytesIO()
    canvas = Canvas(written)
    canvas.drawString(72, 720, "Bill of November: 59.00 CNY")
    canvas.save()
    return written.getvalue()


def box(kind: bytes, content: bytes) -> bytes:
    return (8 + len(content)).to_bytes(4, "big") + kind + content


def heic() -> bytes:
    """The outer form of what phones write: nothing here can make the picture itself."""
    brands = box(b"ftyp", b"heic" + bytes(4) + b"mif1heic")
    return brands + box(b"meta", bytes(300)) + box(b"mdat", random.Random(1).randbytes(4000))


def archive() -> bytes:
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w") as opened:
        opened.writestr("META-INF/MANIFEST.MF", "Main-Class: Evil")
    return written.getvalue()


async def pieces(content: bytes, size: int = 7_000) -> AsyncIterator[bytes]:
    """The content as a connection brings it."""
    for at in range(0, len(content), size):
        yield content[at : at + size]
