"""Saying in plain words what the database means when it refuses a command of ours."""

from __future__ import annotations

from sqlalchemy.exc import DBAPIError

from services.base.errors import Misconfigured, RedressError, Unavailable
from services.base.failures import is_passing

_UNKNOWN_DATABASE = "3D000"
_UNKNOWN_TABLE = "42P01"
_REFUSED = "28"


def explained(error: Exception) -> RedressError | None:
    """One of our errors that says what to change or that it may work later; None when it is a defect of ours."""
    cause: BaseException | None = error.orig if isinstance(error, DBAPIError) else error
    # SQLAlchemy wraps the driver's error once more; the innermost one has the state.
    while cause is not None and not isinstance(getattr(cause, "sqlstate", None), str) and cause.__cause__ is not None:
        cause = cause.__cause__
    state = getattr(cause, "sqlstate", None) or ""
    if state == _UNKNOWN_TABLE:
        return Misconfigured("the database has no tables of Redress, or old ones; run `redress migrate`")
    if state == _UNKNOWN_DATABASE:
        return Misconfigured(f"{cause}; create it, or correct REDRESS_DATABASE_URL")
    if state.startswith(_REFUSED):
        return Misconfigured(
            f"PostgreSQL does not let us in: {cause}; correct user and password in REDRESS_DATABASE_URL"
        )
    if is_passing(error):
        return Unavailable(f"the database cannot be reached: {cause}")
    return None
