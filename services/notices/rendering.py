"""The words of a notice, made from its frozen facts for the way that it goes.

For each way and language there is a layout (greeting, link, signature, how to answer), and for each kind what is said.
An operator's own templates stand before the shipped ones. A chat has the words of text messages where it has none of
its own. What a template may use is declared in `services.notices.kinds`; a fact that is missing is an error, not a gap.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources
from types import MappingProxyType
from typing import Final

from jinja2 import Template
from markupsafe import Markup, escape

from services.notices import plain
from services.notices.channels.port import Way, Words
from services.notices.kinds import SURVEYS, facts_of_kind
from services.notices.templating import BadTemplate, Mistake, compiled
from services.notices.writing import language_of
from services.plan.templates import LAYOUT
from services.plan.vocabulary import Language

log = logging.getLogger(__name__)

SUBJECT: Final = "Subject:"
GIVEN: Final[Mapping[str, str]] = MappingProxyType(
    {
        "name": "the customer's name",
        "reply": "how to answer: `reply to this e-mail`, or where that can't be done, the page where they can write",
        "answerable": "whether the message itself can be answered (true or false)",
        "track_url": "the link to the customer's page about the case",
    }
)
"""What every template has besides the facts of its kind, put in at the moment of sending."""
OF_LAYOUTS: Final[Mapping[str, str]] = MappingProxyType(
    {
        **GIVEN,
        "body": "what is said: one kind's words, or those of several one after the other",
        "subject": "the subject of the kind (of the last, when there are several)",
        "count": "how many notices are told in the message (a number)",
        "left_out": "how many of them were left out of a text message because it would be too long (a number)",
        "operator": "the operator's name in the plan",
        "reference": "what people call the case (the last, when there are several)",
        "references": "all of them, as a list in words",
        "survey_url": "the link to the survey; None unless the message asks for one",
        "link": "the one link for a short message: to the survey if there is one, else to the customer's page",
    }
)
"""What layouts have."""

_LONGEST_NAME: Final = 60
_LONGEST_SUBJECT: Final = 160
# In a text message, in characters: what people wrote, and all that is said. The rest is behind the link.
_LONGEST_WORDS: Final[Mapping[Language, int]] = MappingProxyType({"zh": 60, "en": 120})
_LONGEST_BODY: Final[Mapping[Language, int]] = MappingProxyType({"zh": 240, "en": 480})
# The alphabet of text messages has no "…", and one sign outside it halves what fits.
_MARK: Final[Mapping[Language, str]] = MappingProxyType({"zh": "…", "en": "..."})
_REPLY: Final[Mapping[tuple[Language, Way, bool], str]] = MappingProxyType(
    {
        ("zh", "email", True): "直接回复本邮件",
        ("zh", "sms", True): "直接回复本短信",
        ("zh", "webhook", True): "直接在这里回复",
        ("zh", "email", False): "在进度页面留言（链接见下方）",
        ("zh", "sms", False): "打开链接留言",
        ("zh", "webhook", False): "打开下方链接留言",
        ("en", "email", True): "reply to this e-mail",
        ("en", "sms", True): "reply to this message",
        ("en", "webhook", True): "reply here",
        ("en", "email", False): "write to us on your complaint's page (link below)",
        ("en", "sms", False): "write to us at the link below",
        ("en", "webhook", False): "write to us at the link below",
    }
)


@dataclass(frozen=True, slots=True)
class Part:
    """One thing that is told: the kind of notice and the facts frozen with it."""

    kind: str
    facts: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class About:
    """What every message has, put in at the moment of sending.

    ``answerable``: the customer may answer this message by the way that it came. ``survey_url`` is for surveys only.
    """

    name: str
    track_url: str
    answerable: bool = False
    survey_url: str | None = None


@dataclass(frozen=True, slots=True)
class _Said:
    subject: str
    text: str
    html: str


class Letters:
    """The templates of one version of the plan: its own (`services.plan.schema.Plan.templates`), else the shipped."""

    def __init__(self, overrides: Mapping[str, str] | None = None) -> None:
        """Nothing is read or compiled before it is used."""
        self._overrides = overrides or {}
        self._compiled: dict[tuple[str, bool], Template] = {}
        self._blamed: set[str] = set()

    def write(self, way: Way, language: str, parts: Sequence[Part], about: About) -> Words:
        """What is said on a way. ``language`` is a tag: Chinese for ``zh`` and its variants, else English.

        Several parts are told together, in their order; the links of ``about`` are for the last. An override that
        can't be filled is passed over for the shipped template, and the log says so. Raises
        ``jinja2.UndefinedError`` when a fact is missing, ``KeyError`` for an unknown kind.
        """
        tongue = language_of(language)
        given = given_of(way, tongue, about)
        said = [self._said(way, tongue, part, given) for part in parts]
        body, left_out = _body(way, tongue, said)
        last = parts[-1].facts
        survey = about.survey_url if any(part.kind in SURVEYS for part in parts) else None
        values = given | {
            "body": body,
            "subject": said[-1].subject,
            "count": len(parts),
            "left_out": left_out,
            "operator": last["operator"],
            "reference": last["reference"],
            "references": _references(tongue, parts),
            "survey_url": survey,
            "link": survey or about.track_url,
        }
        return self._laid_out(way, tongue, said, values)

    def _laid_out(self, way: Way, language: Language, said: Sequence[_Said], values: Mapping[str, object]) -> Words:
        layout = f"{language}/{way}/{LAYOUT}"
        text = self._filled(f"{layout}.txt", values)
        if way != "email":
            return Words(said[-1].subject, plain.one_line(text) if way == "sms" else plain.tidy(text))
        subject = _subject(self._filled(f"{layout}.txt", values, subject=True))
        html = self._filled(f"{layout}.html", {**values, "subject": subject, "body": _html_body(said)})
        return Words(subject, plain.tidy(text) + "\n", html)

    def _said(self, way: Way, language: Language, part: Part, given: Mapping[str, object]) -> _Said:
        values = {**_facts(way, language, part), **given}
        mail = f"{language}/email/{part.kind}"
        subject = _subject(self._filled(f"{mail}.txt", values, subject=True))
        if way == "email":
            text = plain.tidy(self._filled(f"{mail}.txt", values))
            return _Said(subject, text, self._own(f"{mail}.html", values) or plain.as_html(text))
        text = self._filled(self._path(way, language, part.kind), values)
        return _Said(subject, plain.one_line(text) if way == "sms" else plain.tidy(text), "")

    def _path(self, way: Way, language: Language, kind: str) -> str:
        """The template of a kind; where a chat has none of its own, that of text messages."""
        path = f"{language}/{way}/{kind}.txt"
        return path if path in self._overrides or shipped(path) is not None else f"{language}/sms/{kind}.txt"

    def _filled(self, path: str, values: Mapping[str, object], *, subject: bool = False) -> str:
        own = self._own(path, values, subject=subject)
        return _shipped_template(path, subject).render(values) if own is None else own

    def _own(self, path: str, values: Mapping[str, object], *, subject: bool = False) -> str | None:
        """The operator's template, filled; None without one, or when it can't be filled: other words are better."""
        if path not in self._overrides:
            return None
        try:
            template = self._compiled.get((path, subject))
            if template is None:
                template = self._compiled[path, subject] = template_of(path, self._overrides[path], subject=subject)
            return filled(path, template, values)
        except Exception:
            if path not in self._blamed:
                self._blamed.add(path)
                log.exception("the plan's template %s can't be filled; the shipped one is used instead", path)
            return None


def given_of(way: Way, language: Language, about: About) -> dict[str, object]:
    """The values of `GIVEN`."""
    return {
        "name": plain.shortened(plain.one_line(about.name), _LONGEST_NAME),
        "reply": _REPLY[language, way, about.answerable],
        "answerable": about.answerable,
        "track_url": about.track_url,
    }


def names_of(path: str) -> Mapping[str, str]:
    """What the template may use, with the meaning of each. Raises `KeyError` for an unknown kind."""
    kind = path.rpartition("/")[2].partition(".")[0]
    return OF_LAYOUTS if kind == LAYOUT else {**{fact.name: fact.meaning for fact in facts_of_kind(kind)}, **GIVEN}


def template_of(path: str, source: str, *, subject: bool = False) -> Template:
    """The template of the subject, or of the rest. Lines are counted as in the file. Raises `BadTemplate`."""
    language: Language = "zh" if path.startswith("zh/") else "en"
    if has_subject(path):
        head, _, text = source.partition("\n")
        if not head.startswith(SUBJECT):
            raise BadTemplate([Mistake(1, f'the first line is wanted to be the subject, such as "{SUBJECT} Hello"')])
        source = head.removeprefix(SUBJECT) if subject else f"\n{text}"
    return compiled(source, language, names_of(path), html=path.endswith(".html"))


def has_subject(path: str) -> bool:
    """Whether a template begins with a subject: those of mails do, where they are text."""
    return "/email/" in path and path.endswith(".txt")


def filled(path: str, template: Template, values: Mapping[str, object]) -> str:
    """The template, filled; what comes from HTML is known as such wherever it is put in."""
    return escape(template.make_module(dict(values))) if path.endswith(".html") else template.render(values)


@cache
def shipped(path: str) -> str | None:
    """The template that ships with Redress, such as ``zh/email/result.txt``; None when there is none."""
    file = resources.files("services.notices").joinpath("templates", *path.split("/"))
    return file.read_text(encoding="utf-8") if file.is_file() else None


@cache
def _shipped_template(path: str, subject: bool) -> Template:
    source = shipped(path)
    if source is None:
        raise KeyError(f"there is no template {path}")
    return template_of(path, source, subject=subject)


def _facts(way: Way, language: Language, part: Part) -> dict[str, object]:
    """The facts as they can stand in a letter: nothing unseen in them, and for text messages not too long.

    What may be None is None when a notice was written down before there was such a fact.
    """
    facts: dict[str, object] = {}
    for fact in facts_of_kind(part.kind):
        value = part.facts.get(fact.name)
        if fact.name not in part.facts and not fact.optional:
            continue
        write: Callable[[str], str] = plain.clean if fact.words else plain.one_line
        if fact.words and way == "sms":
            write = _brief(language)
        if isinstance(value, str):
            value = write(value)
        elif isinstance(value, list | tuple):
            value = [write(str(one)) for one in value]
        facts[fact.name] = value
    return facts


def _brief(language: Language) -> Callable[[str], str]:
    return lambda text: plain.shortened(plain.one_line(text), _LONGEST_WORDS[language], _MARK[language])


def _body(way: Way, language: Language, said: Sequence[_Said]) -> tuple[str, int]:
    """What is said, and how many were left out: of a text message that would be too long, the earliest."""
    texts = [one.text for one in said]
    if way == "sms":
        most, between = _LONGEST_BODY[language], "" if language == "zh" else " "
        while len(texts) > 1 and len(between.join(texts)) > most:
            del texts[0]
        return plain.shortened(between.join(texts), most, _MARK[language]), len(said) - len(texts)
    if way == "email" and len(said) > 1:
        texts = [f"{at}. {one.subject}\n\n{one.text}" for at, one in enumerate(said, start=1)]
    return "\n\n".join(texts), 0


def _html_body(said: Sequence[_Said]) -> str:
    if len(said) == 1:
        return said[0].html
    heading = Markup('<h2 style="margin:24px 0 8px;font-size:17px;line-height:1.4">{}. {}</h2>\n')
    return Markup("\n").join(
        heading.format(at, plain.unbroken(one.subject)) + one.html for at, one in enumerate(said, start=1)
    )


def _references(language: Language, parts: Sequence[Part]) -> str:
    """All references, each once; the first three when there are more."""
    references = list(dict.fromkeys(str(part.facts["reference"]) for part in parts))
    shown = ("、" if language == "zh" else ", ").join(references[:3])
    return shown if len(references) <= 3 else f"{shown}{' 等' if language == 'zh' else ', …'}"


def _subject(text: str) -> str:
    return plain.shortened(plain.one_line(text), _LONGEST_SUBJECT)
