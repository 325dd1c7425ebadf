"""Names of files as people gave them, made fit to be shown and to be saved under.

A name is personal data (李伟的账单.png): it belongs into the private half of an event.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from pathlib import PurePosixPath
from types import MappingProxyType
from typing import Final

LONGEST: Final = 200
# Control characters, what turns the direction of writing (so that exe.gnp reads as png.exe), what has no width, halves
# of surrogate pairs, and what stands for no character. The joiner of emoji (U+200D) stays.
_UNFIT: Final = re.compile(
    "[\x00-\x1f\x7f-\x9f\u00ad\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffd\ud800-\udfff]"
)
_SUFFIXES: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        "image/jpeg": (".jpg", ".jpeg", ".jfif"),
        "image/png": (".png",),
        "image/gif": (".gif",),
        "image/webp": (".webp",),
        "image/heic": (".heic", ".heif"),
        "application/pdf": (".pdf",),
    }
)


def shown_name(given: str | None, media_type: str) -> str:
    """The name without folders and without characters that deceive, of 200 characters at most.

    Without one that is left: ``file`` with the suffix of its kind.
    """
    last = re.split(r"[/\\]", given or "")[-1]
    clean = " ".join(_UNFIT.sub("", unicodedata.normalize("NFC", last)).split()).strip(". ")
    if not clean:
        return f"file{_SUFFIXES[media_type][0]}"
    return _shortened(clean)


def saved_name(shown: str, media_type: str) -> str:
    """The name to save under: it ends as its kind does, so that no system takes a picture for a program."""
    suffixes = _SUFFIXES[media_type]
    return shown if shown.lower().endswith(suffixes) else shown + suffixes[0]


def _shortened(name: str) -> str:
    if len(name) <= LONGEST:
        return name
    suffix = PurePosixPath(name).suffix[:10]
    return name[: LONGEST - len(suffix) - 1].rstrip("\u200d. ") + "…" + suffix
