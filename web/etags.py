"""The version of a case as an entity tag, and reading back which versions a request was made for."""

from __future__ import annotations

import re
from typing import Final

from web.problems import PreconditionRequired
from web.validation import Malformed

_TAG: Final = r'(?:W/)?"[\x21\x23-\x7e\x80-\xff]*"'
_LIST: Final = re.compile(rf"[ \t,]*{_TAG}(?:[ \t]*,[ \t,]*{_TAG})*[ \t,]*")
_OURS: Final = re.compile(r'"(\d{1,9})"')


def etag(version: int) -> str:
    """The entity tag of a version."""
    return f'"{version}"'


def parse_if_match(header: str | None) -> frozenset[int] | None:
    """The versions that an ``If-Match`` header allows; None for ``*``, any version.

    Weak tags count as the version that they name: proxies that compress make ours weak, and a version stands for one
    state of the case whichever way it was sent. A tag that is none of ours matches nothing. Raises
    `PreconditionRequired` when there is no header, `Malformed` when it has not the form of RFC 9110.
    """
    if header is None:
        raise PreconditionRequired(
            "this changes the case, so say which version of it you saw: send its ETag in the header If-Match"
        )
    if header.strip() == "*":
        return None
    if not _LIST.fullmatch(header):
        raise Malformed('the header If-Match must hold the ETag of the case, with its quotes, as in If-Match: "3"')
    return frozenset(int(version) for version in _OURS.findall(header))
