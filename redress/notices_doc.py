"""`docs/notices-words.md`, made from what templates may use, so that it can't say anything else than they do."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from services.notices.events import KINDS
from services.notices.kinds import COMMON, OF_KINDS, Fact
from services.notices.rendering import GIVEN, OF_LAYOUTS

_HEAD = """# What customers are told, and in which words

This page is made from `services/notices/kinds.py` by `python -m redress.checks --write`.

Each notice is written for the way that it goes (e-mail, text message, or the chat, app or social network where the
customer complained) and in the customer's language (Chinese, or English for everybody else).
`redress notices preview` shows all of them with example facts; `--kind`, `--language` and `--way` choose,
`--variants` shows every text that a kind can have, and `--html FOLDER` writes the mails as HTML files.

## Your own words
Put files into a folder `templates` beside your plan (`REDRESS_PLAN`). Each stands in place of the shipped one; what you
leave out stays as it is.

| file | what it is |
|---|---|
| `templates/zh/email/result.txt` | the text of a mail: `Subject: …`, then what is said. Its HTML is made from it. |
| `templates/zh/email/result.html` | the same as HTML, if you want it otherwise |
| `templates/zh/sms/result.txt` | a text message: no subject; lines become one |
| `templates/zh/webhook/result.txt` | for chat, apps and social networks; without one, the text message's words |
| `templates/zh/email/layout.txt` | what stands around each mail: subject, greeting, link, signature |
| `templates/zh/email/layout.html` | the same as HTML |
| `templates/zh/sms/layout.txt`, `templates/zh/webhook/layout.txt` | what stands around each of these |

`en` in place of `zh` is English; `result` is any kind of notice below. The folder becomes a part of the plan when it is
brought in (`redress migrate`, `redress up`): a changed template is a new version of the plan, which every process
follows. Cases that run under an earlier version keep its words. `redress plan check` tries every template on every
combination of facts and says each mistake with its file and line; a text message that takes more than two parts is
noted. `redress plan diff` shows changed templates, too.

The shipped templates, a good start for your own, are in `services/notices/templates`.

## How templates are written
A small part of [Jinja](https://jinja.palletsprojects.com/): `{{ fact }}` puts a value in; `{% if %}`, `{% elif %}`,
`{% else %}`, `{% endif %}` choose, with `and`, `or`, `not`, `==`, `is none`; `{% for step in steps %}` goes through a
list. A line with nothing but `{% … %}` leaves no empty line. Filters:

| filter | what it makes |
|---|---|
| `moment` | a time: `2026年11月24日 18:00`, `24 November 2026, 18:00` |
| `short` | a time for text messages: `11月24日18:00`, `24 Nov, 18:00` |
| `duration` | a length of time: `7 天`, `7 days` |
| `money(currency)` | an amount: `人民币 59.00 元`, `CNY 59.00` |
| `sentence` | the same words with the full stop that they may lack |
| `upper`, `lower`, `capitalize`, `trim`, `first`, `last`, `length`, `join` | as in Jinja |

Nothing can be called, set or included. In HTML every value is escaped. Whatever people wrote is a value and never a
template, and in text messages it is shortened (Chinese 60 characters, English 120); the rest is behind the link.

Several notices that are told together come as one message: their words one after the other in the layout's `body`,
and of a text message that would be too long the newest.
"""
_NO_OTHERS = "\nNo others.\n"


def words_page() -> str:
    """The page, in Markdown."""
    sections = [
        _HEAD,
        "## In every template\n" + _table(GIVEN) + _facts(COMMON),
        "## In layouts\n" + _table(OF_LAYOUTS),
        "## The facts of each kind\nBesides those above. “May be missing” means that it can be `None`.\n",
        *(f"### {kind}\n{_facts(OF_KINDS[kind]) or _NO_OTHERS}" for kind in KINDS),
    ]
    return "\n".join(sections).rstrip() + "\n"


def _table(names: Mapping[str, str]) -> str:
    rows = "".join(f"| `{name}` | {meaning} |\n" for name, meaning in names.items())
    return f"\n| name | meaning |\n|---|---|\n{rows}"


def _facts(facts: Iterable[Fact]) -> str:
    rows = "".join(
        f"| `{fact.name}` | {fact.meaning}{'; may be missing' if fact.optional else ''} "
        f"| {_example(fact.zh)} | {_example(fact.en)} |\n"
        for fact in facts
    )
    return f"\n| fact | meaning | example in Chinese | in English |\n|---|---|---|---|\n{rows}" if rows else ""


def _example(value: object) -> str:
    if isinstance(value, tuple):
        return " / ".join(str(one) for one in value)
    return f"{value:g}" if isinstance(value, float) else str(value)
