"""What all staff actions have in common: the form of their bodies, and how a wrong value is refused."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Annotated, Any, ClassVar, Final

from pydantic import BaseModel, ConfigDict, StringConstraints

from services.base.errors import FieldProblem, Invalid
from services.base.texts import PRINTABLE
from services.plan.values import Text

LONGEST_TEXT: Final = 20_000
# The clocks of the machines that post and that decide may differ by this much.
_SKEW: Final = timedelta(minutes=2)

Words = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=LONGEST_TEXT),
    PRINTABLE,
]
ShortWords = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200), PRINTABLE]
Login = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9._-]{0,39}$")]
CodeOf = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,39}$")]
CaseName = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=60), PRINTABLE]


class ActionBody(BaseModel):
    """What an action takes. Unknown fields are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    ACTION: ClassVar[str]
    """The action's name in addresses and in `services.complaints.lifecycle`."""
    NAME: ClassVar[Text]
    """What staff call it."""
    EXAMPLE: ClassVar[Mapping[str, Any]]


def wrong(name: str, reason: str, code: str) -> Invalid:
    """A value that can't be, told as validation tells it. ``reason`` goes on after the field's name."""
    return Invalid(f"{name} {reason}", [FieldProblem(name, reason, code)])


def not_ahead(name: str, moment: datetime | None, now: datetime, since: datetime) -> datetime:
    """The moment at which something was done: now unless said. Raises `Invalid` when it is still to come, or was
    before the complaint."""
    if moment is None:
        return now
    if moment > now + _SKEW:
        raise wrong(name, "is still to come; say when it was, or leave it out for now", "future")
    if moment < since - _SKEW:
        raise wrong(name, "is before the complaint was received", "too_early")
    return min(moment, now)
