"""Telling a passing failure of the database from one that will come again."""

from __future__ import annotations

import asyncpg
from sqlalchemy.exc import DBAPIError, InterfaceError
from sqlalchemy.exc import TimeoutError as PoolTimeout

# Deadlock, serialisation failure, lock not available, statement cancelled by its time limit.
_PASSING_STATES = frozenset({"40P01", "40001", "55P03", "57014"})
# Connection trouble, resources short, the server is stopping or starting, system error.
_PASSING_CLASSES = ("08", "53", "57", "58")


def is_passing(error: BaseException) -> bool:
    """Whether the same work may succeed later without anything being changed: database away, restarting, busy."""
    if isinstance(error, (ConnectionError, TimeoutError, PoolTimeout, InterfaceError, asyncpg.InterfaceError)):
        return True
    if isinstance(error, OSError):
        return True
    if isinstance(error, DBAPIError):
        if error.connection_invalidated:
            return True
        return error.orig is not None and is_passing(error.orig)
    state = getattr(error, "sqlstate", None)
    return isinstance(state, str) and (state in _PASSING_STATES or state[:2] in _PASSING_CLASSES)
