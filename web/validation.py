"""Turns pydantic's findings into the refusals of Redress: every wrong field, what is wrong, and a stable code.

Values are not repeated in reasons, except short codes that were chosen from a list: bodies hold personal data.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType, NoneType, UnionType
from typing import Annotated, Any, Final, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError

from services.base.errors import FieldProblem, Invalid, Refused
from services.plan.findings import did_you_mean
from services.plan.values import quoted

Detail = Mapping[str, Any]


class Malformed(Refused):
    """The request can't be read at all: its body is no JSON, or a header has the wrong form."""


def refusal(error: ValidationError, model: type[BaseModel] | None = None) -> Refused:
    """What to tell the sender of a body: `Malformed` when it is no JSON, else `Invalid` with every wrong field.

    Given the ``model``, an unknown field is answered with the one that was probably meant.
    """
    return refusal_of(error.errors(include_url=False), model)


def refusal_of(details: Sequence[Any], model: type[BaseModel] | None = None) -> Refused:
    """The same, from pydantic's list of findings."""
    for detail in details:
        if detail["type"] == "json_invalid":
            found = detail.get("ctx", {}).get("error", "it can't be read")
            return Malformed(f"the body is not JSON in UTF-8: {found}")
    problems = tuple(_problem(detail, model) for detail in details)
    many = f"{len(problems)} fields are wrong" if len(problems) > 1 else "a field is wrong"
    named = "; ".join(f"{problem.field}: {problem.reason}" if problem.field else problem.reason for problem in problems)
    return Invalid(f"{many}: {named}" if len(named) <= 500 else f"{many}; see errors", problems)


def _problem(detail: Detail, model: type[BaseModel] | None) -> FieldProblem:
    field = ".".join(str(step) for step in detail["loc"])
    kind: str = detail["type"]
    if kind == "extra_forbidden":
        return FieldProblem(field, _unknown(detail["loc"], model), "unknown_field")
    say = _REASONS.get(kind)
    if say is not None:
        code, words = say
        return FieldProblem(field, words(detail), code)
    return FieldProblem(field, str(detail["msg"]), kind)


def _unknown(path: Sequence[int | str], model: type[BaseModel] | None) -> str:
    known = _fields_at(path[:-1], model)
    name = quoted(str(path[-1]))
    return f"there is no field {name} here; {did_you_mean(str(path[-1]), known)}" if known else f"no field {name} here"


def _fields_at(path: Sequence[int | str], model: type[BaseModel] | None) -> tuple[str, ...]:
    """The names of the fields of the object at ``path``; none when it leads out of the model."""
    found: Any = model
    for step in path:
        if isinstance(step, int):
            found = _present(next(iter(get_args(found)), None))
        elif isinstance(found, type) and issubclass(found, BaseModel) and step in found.model_fields:
            found = _present(found.model_fields[step].annotation)
        else:
            return ()
    return tuple(found.model_fields) if isinstance(found, type) and issubclass(found, BaseModel) else ()


def _present(annotation: Any) -> Any:
    """The type without its ``| None`` and its annotations."""
    if get_origin(annotation) is Annotated:
        return _present(get_args(annotation)[0])
    if get_origin(annotation) in (Union, UnionType):
        return _present(next(option for option in get_args(annotation) if option is not NoneType))
    return annotation


def _not_one_of(detail: Detail) -> str:
    expected = detail["ctx"]["expected"].replace(" or ", ", ").replace("'", "")
    given = detail.get("input")
    return (
        f"{quoted(given)} is not possible; write one of {expected}"
        if isinstance(given, str)
        else (f"must be one of {expected}")
    )


def _too_long(detail: Detail) -> str:
    most = detail["ctx"]["max_length"]
    given = detail.get("input")
    return f"has {len(given)} characters; {most} is the most" if isinstance(given, str) else f"{most} is the most"


def _too_short(detail: Detail) -> str:
    least = detail["ctx"]["min_length"]
    return "must not be empty" if least == 1 else f"needs at least {least} characters"


def _bound(words: str, key: str) -> Callable[[Detail], str]:
    return lambda detail: f"must be {words} {detail['ctx'][key]}"


def _always(words: str) -> Callable[[Detail], str]:
    return lambda detail: words


def _own_words(detail: Detail) -> str:
    return str(detail.get("ctx", {}).get("error") or detail["msg"])


_TIME: Final = "is no time; write it as in 2026-11-24T10:30:00+08:00"

# pydantic's name of the finding -> the code that programs rely on, and the words for people.
_REASONS: Final[Mapping[str, tuple[str, Callable[[Detail], str]]]] = MappingProxyType(
    {
        "missing": ("missing", _always("is missing")),
        "value_error": ("invalid", _own_words),
        "literal_error": ("not_one_of", _not_one_of),
        "string_type": ("wrong_type", _always("must be a text")),
        "string_unicode": ("invalid", _always("is not valid Unicode")),
        "string_too_short": ("too_short", _too_short),
        "string_too_long": ("too_long", _too_long),
        "bool_type": ("wrong_type", _always("must be true or false")),
        "bool_parsing": ("wrong_type", _always("must be true or false")),
        "int_type": ("wrong_type", _always("must be a whole number")),
        "int_parsing": ("wrong_type", _always("must be a whole number")),
        "decimal_type": ("wrong_type", _always("must be a number")),
        "decimal_parsing": ("wrong_type", _always("must be a number")),
        "list_type": ("wrong_type", _always("must be a list")),
        "model_type": ("wrong_type", _always("must be a JSON object")),
        "model_attributes_type": ("wrong_type", _always("must be a JSON object")),
        "dict_type": ("wrong_type", _always("must be a JSON object")),
        "greater_than_equal": ("out_of_range", _bound("at least", "ge")),
        "less_than_equal": ("out_of_range", _bound("at most", "le")),
        "timezone_aware": ("no_time_zone", _always("has no time zone; write it as in 2026-11-24T10:30:00+08:00")),
        "datetime_type": ("wrong_type", _always(_TIME)),
        "datetime_parsing": ("wrong_type", _always(_TIME)),
        "datetime_from_date_parsing": ("wrong_type", _always(_TIME)),
        "datetime_object_invalid": ("wrong_type", _always(_TIME)),
    }
)
