"""Every error that Redress raises on purpose. Domain errors know no HTTP; each app maps them in one place.

RedressError
├── Refused                what was asked cannot be done; the message says what to change
│   ├── Invalid            a value is wrong (with a list of fields)
│   │   └── PlanInvalid    the plan has mistakes (each with line and reason): services/plan/loading.py
│   ├── NotFound           no such thing, or not for the one who asks
│   ├── Forbidden          the one who asks may not do this
│   ├── Unauthenticated    no key, or a key that is not valid
│   ├── Conflict           right as a request, wrong at this time
│   │   ├── WrongState     the case is in another state (says what is possible now)
│   │   ├── Changed        the case is not the version that the request was made for
│   │   └── AlreadyUsed    the idempotency key or external id belongs to another content
│   └── TooLarge           more than is taken at once
├── BrokenRecord           the record of a case does not say where it stands: services/complaints/replay.py
├── Unavailable            not now, try again (database away, queue full)
└── Misconfigured          a setting is wrong or missing; the message names it
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class FieldProblem:
    """One wrong value: where it stands (``customer.phone``), what is wrong, and a stable code for programs."""

    field: str
    reason: str
    code: str


class RedressError(Exception):
    """The root. ``str(error)`` is a sentence for a person."""


class Refused(RedressError):
    """The request cannot be done as it is."""


class Invalid(Refused):
    """A value is wrong. ``problems`` lists every one found, not only the first."""

    def __init__(self, message: str, problems: Sequence[FieldProblem] = ()) -> None:
        super().__init__(message)
        self.problems = tuple(problems)


class NotFound(Refused):
    """There is no such thing, or the one who asks may not know of it."""


class Forbidden(Refused):
    """The one who asks is known, and may not do this."""


class Unauthenticated(Refused):
    """No key was given, or it is not valid."""


class Conflict(Refused):
    """Right as a request, wrong at this time."""


class WrongState(Conflict):
    """The case is in another state. ``possible`` names the actions that it allows now."""

    def __init__(self, message: str, possible: Sequence[str]) -> None:
        super().__init__(message)
        self.possible = tuple(possible)


class Changed(Conflict):
    """The case has moved on since the caller read it. ``version`` is the one it has now."""

    def __init__(self, message: str, version: int) -> None:
        super().__init__(message)
        self.version = version


class AlreadyUsed(Conflict):
    """An idempotency key (``by="idempotency-key"``) or an external id (``by="external-id"``) has another body."""

    def __init__(self, message: str, by: str) -> None:
        super().__init__(message)
        self.by = by


class TooLarge(Refused):
    """More than is taken at once."""


class Unavailable(RedressError):
    """Not possible now; the same request may succeed after ``retry_after`` seconds."""

    def __init__(self, message: str, retry_after: float = 1.0) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class Misconfigured(RedressError):
    """A setting is wrong or missing. The message names the setting and what to write."""
