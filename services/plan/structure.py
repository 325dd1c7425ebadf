"""Checks the form of a plan's data against the schema, and says every mistake in words for the plan's author.

What one section says about another is not checked here.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType, NoneType, UnionType
from typing import Any, Final, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from services.plan.document import Path
from services.plan.findings import Finding, did_you_mean
from services.plan.schema import Plan
from services.plan.values import quoted

_WANTED: Final[Mapping[str, str]] = MappingProxyType(
    {
        "string_type": "a text is wanted here",
        "bool_type": "true or false is wanted here, without quotes",
        "float_type": "a number is wanted here, without quotes",
        "int_type": "a whole number is wanted here, without quotes",
        "mapping_type": "a group of fields is wanted here",
        "dict_type": "a group of fields is wanted here",
        "tuple_type": "a list is wanted here",
        "model_type": "a group of fields is wanted here",
    }
)


def read_structure(data: object) -> tuple[Plan | None, tuple[Finding, ...]]:
    """The plan, or None with every mistake of form (the path of the value and what to write instead)."""
    try:
        return Plan.model_validate(data), ()
    except ValidationError as error:
        return None, tuple((detail["loc"], _reason(detail)) for detail in error.errors(include_url=False))


def _reason(detail: ErrorDetails) -> str:
    kind, path, context = detail["type"], detail["loc"], detail.get("ctx", {})
    if kind == "value_error":
        return str(context.get("error") or context.get("reason"))
    if kind == "missing":
        return f'"{path[-1]}" is missing; add it'
    if kind == "extra_forbidden":
        return f'"{path[-1]}" is not known here; {did_you_mean(str(path[-1]), _fields_at(path[:-1]))}'
    if kind == "literal_error":
        return _no_choice(detail["input"], path)
    if kind == "greater_than_equal":
        return f"{quoted(detail['input'])} is too small; write {context['ge']:g} or more"
    if kind == "less_than_equal":
        return f"{quoted(detail['input'])} is too large; write {context['le']:g} or less"
    if kind == "finite_number":
        return "the number is too large"
    if kind == "too_short":
        return "the list is empty; write at least one"
    wanted = _WANTED.get(kind)
    return f"{wanted}, and this is {_described(detail['input'])}" if wanted else detail["msg"]


def _described(value: object) -> str:
    match value:
        case bool():
            return f"{quoted(value)}; put it in quotes if a word is meant"
        case int() | float():
            return f"the number {value}; put it in quotes if a text is meant"
        case str():
            return f"the text {quoted(value)}"
        case _:
            return quoted(value)


def _no_choice(value: object, path: Path) -> str:
    choices = [str(choice) for choice in get_args(_annotation_at(path))]
    if not isinstance(value, str):
        return f"one of {', '.join(choices)} is wanted here, and this is {_described(value)}"
    return f"{quoted(value)} is not possible here; {did_you_mean(value, choices)}"


def _fields_at(path: Path) -> tuple[str, ...]:
    model = _annotation_at(path)
    return tuple(model.model_fields) if isinstance(model, type) and issubclass(model, BaseModel) else ()


def _annotation_at(path: Path) -> Any:
    """The type that the schema has for the value at ``path``; None when it leads out of the schema."""
    annotation: Any = Plan
    for step in path:
        if isinstance(step, int):
            annotation = next(iter(get_args(annotation)), None)
        elif isinstance(annotation, type) and issubclass(annotation, BaseModel):
            field = annotation.model_fields.get(step)
            annotation = _present(field.annotation) if field else None
        else:
            return None
    return annotation


def _present(annotation: Any) -> Any:
    """The type without its ``| None``."""
    if get_origin(annotation) in (Union, UnionType):
        return next(option for option in get_args(annotation) if option is not NoneType)
    return annotation
