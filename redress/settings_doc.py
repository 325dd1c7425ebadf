"""`docs/settings.md`, made from the settings themselves, so that it can't say anything else than the program does."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal, get_args, get_origin

from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from services.base.settings import Settings

_HEAD = """# Settings

Every setting is an environment variable. A wrong value is reported when a program starts, all of them at once.
This page is made from `services/base/settings.py` by `python -m redress.checks --write`.

| variable | default | meaning |
|---|---|---|
"""


def settings_page() -> str:
    """The page, in Markdown."""
    rows = [
        f"| `REDRESS_{name.upper()}` | {_default(field.default)} | {_meaning(field)} |"
        for name, field in Settings.model_fields.items()
    ]
    return _HEAD + "\n".join(rows) + "\n"


def _meaning(field: FieldInfo) -> str:
    words = [(field.description or "").replace("|", "\\|")]
    if get_origin(field.annotation) is Literal:
        words.append("One of " + ", ".join(f"`{choice}`" for choice in get_args(field.annotation)) + ".")
    bounds = {type(bound).__name__: bound for bound in field.metadata}
    least, most = (getattr(bounds.get(name), name.lower(), None) for name in ("Ge", "Le"))
    if least is not None and most is not None:
        words.append(f"From {least} to {most}.")
    elif least is not None:
        words.append(f"At least {least}.")
    return " ".join(words)


def _default(value: Any) -> str:
    if value is PydanticUndefined:
        return "(required)"
    if value is None:
        return "(unset)"
    return f"`{value}`" if isinstance(value, str | int | Path) else str(value)
