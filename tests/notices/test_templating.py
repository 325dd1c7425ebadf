"""The language that letters are written in."""

from __future__ import annotations

import pytest

from services.notices.templating import BadTemplate, compiled

ESCAPES = [
    "{% for a in range(9) %}{% endfor %}",
    "{{ ''.__class__ }}",
    "{{ name.__class__.__mro__ }}",
    "{{ name.format(1) }}",
    "{{ name['x'] }}",
    "{{ 'x' * 1000000000 }}",
    "{{ 9 ** 9 ** 9 }}",
    "{% set x = name ~ name %}",
    "{% include 'zh/email/result.txt' %}",
    "{% for a in name %}{% for b in name %}{% endfor %}{% endfor %}",
    "{{ name | attr('__class__') }}",
    "{{ name | safe }}",
    "{{ self }}",
    "{% macro x() %}{% endmacro %}",
    "{% autoescape false %}{{ name }}{% endautoescape %}",
    "{{ cycler }}",
    "{{ " + "(" * 5000 + "name" + ")" * 5000 + " }}",
    "{% if name %}" * 60 + "{% endif %}" * 60,
    "x" * (64 * 1024 + 1),
]


@pytest.mark.parametrize("source", ESCAPES, ids=range(len(ESCAPES)))
def test_a_template_can_only_choose_words_and_put_in_values(source: str) -> None:
    with pytest.raises(BadTemplate):
        compiled(source, "zh", ["name"])


def test_mistakes_are_all_told_with_their_lines() -> None:
    with pytest.raises(BadTemplate) as raised:
        compiled("{{ nam }}\n\n{% set x = 1 %}\n{{ steps.pop() }}", "zh", ["name", "steps"])

    assert [(mistake.line, mistake.reason.split(";")[0]) for mistake in raised.value.mistakes] == [
        (1, 'there is no "nam" here'),
        (3, "assign can't be used here"),
        (3, 'there is no "x" here'),
        (4, '".pop" can\'t be used here'),
        (4, "call can't be used here"),
    ]


def test_a_list_is_gone_through_and_words_are_chosen() -> None:
    source = "{% for one in steps %}{{ loop.index }}. {{ one | upper }}{% if not loop.last %}; {% endif %}{% endfor %}"

    assert compiled(source, "en", ["steps"]).render(steps=["a", "b"]) == "1. A; 2. B"
