"""Whether an operator's templates can be filled: tried before they are used, on every combination of facts.

So a mistake is an error when the plan is checked, and not when a customer should have heard something.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import product
from typing import Final, get_args

from jinja2 import Template

from services.base.errors import FieldProblem, Invalid
from services.notices import plain
from services.notices.channels.port import Way
from services.notices.channels.sms_encoding import encode
from services.notices.kinds import COMMON, example, variants
from services.notices.rendering import (
    SUBJECT,
    About,
    Letters,
    Part,
    filled,
    given_of,
    has_subject,
    template_of,
)
from services.notices.templating import BadTemplate, Mistake, mistake_of
from services.plan.templates import LAYOUT
from services.plan.vocabulary import LANGUAGES, Language, NoticeKind

MOST_PARTS: Final = 2
"""How many text messages a notice should take at most, without its link."""
EXAMPLE_ABOUT: Final[Mapping[Language, About]] = {
    "zh": About("李伟", "https://care.example.com/track/EXAMPLE", survey_url="https://care.example.com/survey/EXAMPLE"),
    "en": About(
        "Emma Clarke", "https://care.example.com/track/EXAMPLE", survey_url="https://care.example.com/survey/EXAMPLE"
    ),
}
_BODY: Final = "What-is-said."


class TemplatesInvalid(Invalid):
    """Templates have mistakes; ``problems`` holds all of them."""

    def __init__(self, problems: list[FieldProblem]) -> None:
        lines = "\n".join(f"{problem.field} {problem.reason}" for problem in problems)
        count = "a mistake" if len(problems) == 1 else f"{len(problems)} mistakes"
        super().__init__(f"The templates have {count}:\n{lines}", problems)


def check(templates: Mapping[str, str], folder: str = "templates") -> None:
    """Raises `TemplatesInvalid` with every mistake, each with its file in ``folder`` and its line."""
    problems = [
        FieldProblem(field=f"{folder}/{path}:{mistake.line}", reason=mistake.reason, code="template")
        for path, source in sorted(templates.items())
        for mistake in mistakes_in(path, source)
    ]
    if problems:
        raise TemplatesInvalid(problems)


def mistakes_in(path: str, source: str) -> list[Mistake]:
    """What is wrong in one template; its name must be one. Filling it is tried when it is in order by itself."""
    if not has_subject(path) and source.startswith(SUBJECT):
        return [Mistake(1, "only the text of a mail has a subject; remove this line")]
    try:
        text = template_of(path, source)
        subject = template_of(path, source, subject=True) if has_subject(path) else None
    except BadTemplate as error:
        return list(error.mistakes)
    # Every combination shows the same mistake; once is enough.
    return list(dict.fromkeys(_tried(path, source, text, subject)))


def too_long(templates: Mapping[str, str]) -> Iterator[str]:
    """Which text messages take more than `MOST_PARTS` parts with the facts of the examples, in words."""
    letters = Letters(templates)
    for language, kind in product(LANGUAGES, get_args(NoticeKind)):
        if not {f"{language}/sms/{kind}.txt", f"{language}/sms/{LAYOUT}.txt"} & templates.keys():
            continue
        words = letters.write("sms", language, [Part(kind, example(kind, language))], About("", ""))
        parts = parts_of(words.text)
        if parts > MOST_PARTS:
            yield f"{language}/sms/{kind} makes {parts} text messages, without the link; {MOST_PARTS} are a good limit"


def parts_of(text: str) -> int:
    """How many text messages a text makes. Raises `Rejected` for more than can be sent."""
    return len(encode(text, 0).parts)


def _tried(path: str, source: str, text: Template, subject: Template | None) -> Iterator[Mistake]:
    lines = source.count("\n") + 1
    for values in _values(path):
        try:
            head = None if subject is None else plain.one_line(filled(path, subject, values))
            said = filled(path, text, values).strip()
        except Exception as error:
            yield mistake_of(error, lines)
            continue
        if head == "":
            yield Mistake(1, "the subject is empty")
        if not said:
            yield Mistake(1, "it says nothing")
        for name in _wanted(path):
            value = values[name]
            if value is not None and str(value) not in said:
                yield Mistake(1, f"the layout doesn't show {{{{ {name} }}}}; every message must")


def _wanted(path: str) -> tuple[str, ...]:
    if _kind(path) != LAYOUT:
        return ()
    return ("body", "link") if "/sms/" in path else ("body", "link", "survey_url")


def _values(path: str) -> Iterator[Mapping[str, object]]:
    """The values of all combinations in which the template is filled."""
    language: Language = "zh" if path.startswith("zh/") else "en"
    way: Way = "email" if "/email/" in path else "sms" if "/sms/" in path else "webhook"
    kind, about = _kind(path), EXAMPLE_ABOUT[language]
    for answerable in (True, False):
        given = given_of(way, language, About(about.name, about.track_url, answerable))
        if kind == LAYOUT:
            yield from (given | values for values in _of_layouts(language, about))
        else:
            yield from (facts | given for facts in variants(kind, language))


def _of_layouts(language: Language, about: About) -> Iterator[dict[str, object]]:
    common = {fact.name: fact.example(language) for fact in COMMON}
    for count, left_out, survey in product((1, 3), (0, 2), (None, about.survey_url)):
        yield {
            **common,
            "body": _BODY,
            "subject": "…",
            "count": count,
            "left_out": left_out,
            "references": common["reference"],
            "survey_url": survey,
            "link": survey or about.track_url,
        }


def _kind(path: str) -> str:
    return path.rpartition("/")[2].partition(".")[0]
