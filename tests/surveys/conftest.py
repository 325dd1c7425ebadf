"""As for casework: the plan in force, everybody in it on the rota; and records that agree with cases afterwards."""

from __future__ import annotations

from tests.casework.conftest import in_order, plans

__all__ = ["in_order", "plans"]
