"""The small language that letters are written in: a part of Jinja that can only look at values and choose words.

No calls, no assignments, no imports, no loops within loops: a template's work and output are bounded by its size and by
the facts. Whoever could write one could otherwise make a process busy for ever. It runs in Jinja's sandbox besides.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

from jinja2 import StrictUndefined, Template, TemplateError, TemplateSyntaxError, nodes
from jinja2.sandbox import ImmutableSandboxedEnvironment

from services.notices.writing import duration, moment, money, sentence, short
from services.plan.findings import did_you_mean
from services.plan.vocabulary import Language

LARGEST: Final = 64 * 1024
_DEEPEST: Final = 30
_TOO_DEEP: Final = "too much lies in one another here; write it more simply"
_FILTERS: Final[Mapping[str, Callable[..., str]]] = {
    "moment": moment,
    "short": short,
    "duration": duration,
    "money": money,
    "sentence": sentence,
}
_PLAIN_FILTERS: Final = ("capitalize", "first", "join", "last", "length", "lower", "trim", "upper")
_FILTER_NAMES: Final = (*_FILTERS, *_PLAIN_FILTERS)
_TESTS: Final = ("none",)
_OF_LOOPS: Final = ("index", "first", "last", "length")
_POSSIBLE: Final = (
    nodes.Template,
    nodes.Output,
    nodes.TemplateData,
    nodes.Name,
    nodes.Const,
    nodes.If,
    nodes.For,
    nodes.Filter,
    nodes.Test,
    nodes.Compare,
    nodes.Operand,
    nodes.And,
    nodes.Or,
    nodes.Not,
    nodes.CondExpr,
    nodes.Concat,
    nodes.Getattr,
)


@dataclass(frozen=True, slots=True)
class Mistake:
    """What is wrong in a template. ``line`` counts from 1."""

    line: int
    reason: str


class BadTemplate(ValueError):
    """A template has mistakes; ``mistakes`` holds all that were found."""

    def __init__(self, mistakes: Collection[Mistake]) -> None:
        super().__init__("; ".join(f"line {mistake.line}: {mistake.reason}" for mistake in mistakes))
        self.mistakes = tuple(mistakes)


def compiled(source: str, language: Language, names: Collection[str], *, html: bool = False) -> Template:
    """The template, which may use the values called ``names``. In ``html`` every value is escaped.

    Raises `BadTemplate`.
    """
    if len(source) > LARGEST:
        raise BadTemplate([Mistake(1, f"the template has {len(source)} characters; {LARGEST} is the most")])
    environment = _environment(language, html)
    try:
        tree = environment.parse(source)
        mistakes = sorted(set(_mistakes(tree, frozenset(names))), key=lambda one: (one.line, one.reason))
        if mistakes:
            raise BadTemplate(mistakes)
        return environment.from_string(source)
    except TemplateSyntaxError as error:
        raise BadTemplate([Mistake(error.lineno, (error.message or "this is no template").rstrip("."))]) from None
    except (RecursionError, MemoryError, SyntaxError):
        raise BadTemplate([Mistake(1, _TOO_DEEP)]) from None


def mistake_of(error: Exception, source_lines: int) -> Mistake:
    """What went wrong when a template was filled, with the line on which it did."""
    line, trace = 1, error.__traceback__
    while trace is not None:
        # Jinja gives the frames of templates this name, and their lines are those of the source.
        if trace.tb_frame.f_code.co_filename == "<template>":
            line = min(trace.tb_lineno, source_lines)
        trace = trace.tb_next
    if isinstance(error, TemplateError):
        return Mistake(line, str(error))
    words = f"a value can't be written like this: {error}. If it may be missing, ask {{% if … %}} first"
    return Mistake(line, words)


@cache
def _environment(language: Language, html: bool) -> ImmutableSandboxedEnvironment:
    environment = ImmutableSandboxedEnvironment(
        undefined=StrictUndefined, autoescape=html, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters = {name: environment.filters[name] for name in _PLAIN_FILTERS}
    environment.filters.update({name: _in(language, write) for name, write in _FILTERS.items()})
    environment.globals.clear()
    return environment


def _in(language: Language, write: Callable[..., str]) -> Callable[..., str]:
    def filter_(*values: Any) -> str:
        return write(*values, language)

    return filter_


def _mistakes(node: nodes.Node, names: frozenset[str], depth: int = 0, in_loop: bool = False) -> Iterator[Mistake]:
    if depth > _DEEPEST:
        yield Mistake(_line(node), _TOO_DEEP)
        return
    yield from _mistakes_of(node, names, in_loop)
    if isinstance(node, nodes.For) and isinstance(node.target, nodes.Name):
        inside = names | {node.target.name, "loop"}
        yield from _mistakes(node.iter, names, depth + 1, in_loop)
        for child in (*node.body, *node.else_):
            yield from _mistakes(child, inside, depth + 1, True)
        return
    for child in node.iter_child_nodes():
        yield from _mistakes(child, names, depth + 1, in_loop)


def _mistakes_of(node: nodes.Node, names: frozenset[str], in_loop: bool) -> Iterator[Mistake]:
    """What is wrong with this node itself."""
    match node:
        case nodes.Name() if node.name not in names:
            yield Mistake(_line(node), f'there is no "{node.name}" here; {did_you_mean(node.name, sorted(names))}')
        case nodes.For() if in_loop or not _is_plain_loop(node):
            yield Mistake(_line(node), "a loop goes through one list of the facts, and not within another loop")
        case nodes.Getattr() if not _is_of_loop(node):
            yield Mistake(_line(node), f'".{node.attr}" can\'t be used here; a value is used as it is')
        case nodes.Filter() if node.name not in _FILTER_NAMES:
            yield Mistake(_line(node), f'"|{node.name}" can\'t be used here; {did_you_mean(node.name, _FILTER_NAMES)}')
        case nodes.Test() if node.name not in _TESTS:
            yield Mistake(_line(node), f'"is {node.name}" can\'t be used here; {did_you_mean(node.name, _TESTS)}')
        case _ if not isinstance(node, _POSSIBLE):
            what = type(node).__name__.lower()
            yield Mistake(_line(node), f"{what} can't be used here; a letter only chooses words and puts in values")


def _is_plain_loop(node: nodes.For) -> bool:
    return isinstance(node.target, nodes.Name) and isinstance(node.iter, nodes.Name) and not node.recursive


def _is_of_loop(node: nodes.Getattr) -> bool:
    return isinstance(node.node, nodes.Name) and node.node.name == "loop" and node.attr in _OF_LOOPS


def _line(node: nodes.Node) -> int:
    # What the parser makes up by itself stands on no line.
    line: int | None = node.lineno
    return line or 1
