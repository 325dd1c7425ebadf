"""The corpus is well-formed, balanced, nobody's data, and what the shipped model was made from."""

from __future__ import annotations

from collections import Counter

import pytest

from services.base.masking import PLACEHOLDER
from services.judgements.artefact import shipped
from services.judgements.training.corpus import PHRASES, corpus, corpus_digest, read_corpus
from services.judgements.training.learning import RECIPE
from services.judgements.values import KINDS
from tests.judgements.factories import shipped_plan

TEXTS = [sample for sample in corpus() if not sample.source.endswith(PHRASES)]


def test_it_holds_several_thousand_texts_of_both_languages() -> None:
    languages = Counter(sample.language for sample in TEXTS)

    assert languages["zh"] > 3_000
    assert languages["en"] > 3_000


@pytest.mark.parametrize("language", ["zh", "en"])
def test_no_kind_is_neglected(language: str) -> None:
    kinds = Counter(sample.label for sample in TEXTS if sample.language == language)

    assert min(kinds[kind] for kind in KINDS) > 0.2 * sum(kinds.values())
    assert kinds["no_complaint"] > 200


def test_it_has_texts_for_every_sub_category_of_the_plan_and_no_other() -> None:
    plan = shipped_plan()
    known = {(entry.code, sub.code) for entry in plan.categories for sub in entry.subcategories}
    found = Counter((sample.label, sample.sub_category) for sample in TEXTS if sample.sub_category)

    assert {pair for pair in found if pair[0] != "no_complaint"} == known
    assert min(found[pair] for pair in known) > 60


def test_hardly_a_text_stands_twice_and_none_under_two_kinds() -> None:
    labels: dict[str, set[str]] = {}
    for sample in TEXTS:
        labels.setdefault(sample.text, set()).add(sample.label)

    assert not [text for text, found in labels.items() if len(found) > 1]
    assert len(labels) > 0.99 * len(TEXTS)


def test_the_shipped_model_was_made_from_this_corpus_by_this_recipe() -> None:
    about = shipped().about

    assert (about["corpus"], about["recipe"]) == (corpus_digest(), RECIPE), "run `make model`"


def test_what_is_personal_is_masked_before_learning() -> None:
    [sample] = read_corpus("[billing refund]\n退款到13912345678，我叫@somebody\n", "zh_test")

    assert "139" not in sample.text
    assert len(PLACEHOLDER.findall(sample.text)) == 2


@pytest.mark.parametrize(
    ("text", "told"),
    [("断网了\n", "line 1: texts need a head"), ("[billin refund]\n退款\n", 'line 1: "billin" is none of')],
)
def test_a_malformed_file_is_told_with_its_line(text: str, told: str) -> None:
    with pytest.raises(ValueError, match=told):
        list(read_corpus(text, "zh_test"))
