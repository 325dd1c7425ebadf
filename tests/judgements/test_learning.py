"""Learning from cases: what teaches, what is held back, what a model may keep, and that it gets better."""

from __future__ import annotations

from functools import cache
from types import SimpleNamespace
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncEngine

from services.base.errors import Invalid
from services.casework.handlers.conversing import Reclassify
from services.casework.handlers.settling import Close, Resolve
from services.complaints.model import Complaint
from services.judgements.artefact import pack, unpack
from services.judgements.features import spans_of
from services.judgements.linear import LinearModel
from services.judgements.text import readable
from services.judgements.training import learning
from services.judgements.training.cases import distinct, is_held_back, learnable
from services.judgements.training.corpus import Sample, alarms, corpus
from services.judgements.training.fitting import fit
from services.judgements.training.learning import learn_cases
from services.judgements.training.measuring import ALL
from services.judgements.values import Facts
from services.plan.versions import Plans
from tests.casework.factories import (
    ENGINEER,
    accepted_case,
    closed_case,
    dispatched_case,
    do,
    received_case,
    skip_to_result,
    staff,
    sync_duty,
)
from tests.judgements.factories import shipped_plan


def case(text: str, label: str, author: str, source: str = "correction") -> Sample:
    return Sample(text, label, None, source, 3.0, author)


def authors(count: int, *, held_back: bool) -> list[str]:
    """Names of people whose cases are held back for comparing, or are not."""
    names = (f"customer {number}" for number in range(10_000))
    chosen = (name for name in names if is_held_back(case("x", "outage", name)) is held_back)
    return [next(chosen) for _ in range(count)]


@pytest.fixture
def small_corpus(monkeypatch: pytest.MonkeyPatch) -> None:
    """Learning in a second instead of minutes."""
    monkeypatch.setattr(learning, "corpus", lambda: corpus()[::25])
    monkeypatch.setattr(learning, "alarms", lambda: alarms()[::10])


@cache
def small_model() -> LinearModel:
    return unpack(pack(fit(corpus()[::25]).weights, {}).content)[0]


# In a house's own jargon, which nobody outside knows.
JARGON = "the zorblax of my flurbit went quux"


def taught() -> list[Sample]:
    samples = [case(f"{JARGON} {number}", "billing", name) for number, name in enumerate(authors(12, held_back=False))]
    return samples + [case(f"again {JARGON}", "billing", name) for name in authors(3, held_back=True)]


@pytest.mark.usefixtures("small_corpus")
def test_what_people_corrected_is_learned_and_the_comparison_shows_it() -> None:
    learned = learn_cases(taught(), shipped_plan(), small_model())

    assert learned.comparison is not None
    assert learned.comparison.before[ALL].accuracy < learned.comparison.after[ALL].accuracy == 1.0
    assert learned.comparison.better == 3
    assert learned.comparison.worse == 0
    assert {name: learned.artefact.about[name] for name in ("corrections", "confirmed", "held_back")} == {
        "corrections": 12,
        "confirmed": 0,
        "held_back": 3,
    }


@pytest.mark.usefixtures("small_corpus")
def test_held_back_cases_are_never_learned() -> None:
    with_them = learn_cases(taught(), shipped_plan(), small_model())
    changed = [
        case("nothing of the kind", "outage", sample.author or "") if is_held_back(sample) else sample
        for sample in taught()
    ]
    without = learn_cases(changed, shipped_plan(), small_model())

    assert with_them.artefact.content == without.artefact.content


@pytest.mark.usefixtures("small_corpus")
def test_without_cases_there_is_nothing_to_learn() -> None:
    with pytest.raises(Invalid, match="no cases to learn from"):
        learn_cases([], shipped_plan(), small_model())


def known_of(word: str, samples: list[Sample]) -> bool:
    weights = fit([*corpus()[::40], *samples]).weights
    slots = spans_of([readable(word).folded]).slots
    return bool(set(slots.tolist()) <= set(weights.slots.tolist()))


def test_what_only_one_customer_wrote_is_no_part_of_a_model() -> None:
    secret = "xqzwvkj"
    one = [case(f"my name is {secret} {number}", "billing", "one") for number in range(5)]
    two = [*one, case(f"they call me {secret}", "billing", "another")]

    assert not known_of(secret, one)
    assert known_of(secret, two)


def test_learning_twice_gives_the_same_model() -> None:
    one, again = (pack(fit([*corpus()[::40], *taught()]).weights, {}) for _ in range(2))

    assert one.content == again.content


def test_a_class_without_samples_is_told() -> None:
    with pytest.raises(ValueError, match="no_complaint"):
        fit([sample for sample in corpus()[::40] if sample.label != "no_complaint"])


def test_of_the_same_words_a_correction_counts_and_of_those_the_newest() -> None:
    rows: list[Any] = [
        SimpleNamespace(masked=masked, category=category, corrected=corrected, author="x")
        for masked, category, corrected in (
            ("a", "billing", False),
            ("a", "outage", True),
            ("a", "technical_support", True),
            ("b", "billing", True),
            ("b", "outage", False),
        )
    ]

    assert [(sample.text, sample.label) for sample in distinct(rows)] == [("a", "outage"), ("b", "billing")]


async def test_corrected_and_settled_cases_teach_and_others_do_not(engine: AsyncEngine) -> None:
    plans = Plans()
    await sync_duty(engine, plans)
    corrected = await dispatched_case(engine, plans)
    await do(engine, plans, corrected, Reclassify(category="billing", reason="客户投诉的是账单。"), ENGINEER)
    graver = await dispatched_case(engine, plans)
    await do(engine, plans, graver, Reclassify(severity="critical", reason="有老人。"), ENGINEER)
    settled = await accepted_case(engine, plans)
    await skip_to_result(engine, plans, settled, ENGINEER)
    await do(engine, plans, settled, Resolve(text="已修复。"), ENGINEER)
    await do(engine, plans, settled, Close(decision="final_decision", reason="已修复。"), ENGINEER)
    await received_case(engine)
    await closed_case(engine, plans)
    for number, one in enumerate((corrected, graver, settled)):
        await give_words(engine, one, f"words {number}")

    async with engine.connect() as connection:
        samples = await learnable(connection)

    assert [(sample.text, sample.label, sample.source) for sample in samples if sample.text.startswith("words")] == [
        ("words 2", "outage", "confirmed"),
        ("words 0", "billing", "correction"),
    ]


async def test_drills_teach_nothing(engine: AsyncEngine) -> None:
    plans = Plans()
    drill = await dispatched_case(engine, plans, realm="drill")
    await give_words(engine, drill, "a drill")
    await do(engine, plans, drill, Reclassify(category="billing", reason="演练"), staff(ENGINEER, "drill"))

    async with engine.connect() as connection:
        assert await learnable(connection) == []


async def give_words(engine: AsyncEngine, case_id: Any, words: str) -> None:
    async with engine.begin() as connection:
        await connection.execute(sa.update(Complaint).where(Complaint.id == case_id).values(masked=words))


def test_an_alarm_is_heard_with_its_words() -> None:
    model = unpack(pack(fit(corpus()[::25], alarms()).weights, {}).content)[0]
    texts = [readable(sample.text) for sample in alarms() if sample.sub_category == "danger_to_life"][:40]

    heard = [
        alarm
        for opinion in model.opinions(texts, [Facts()] * len(texts))
        for alarm in opinion.alarms
        if alarm.signal == "danger_to_life"
    ]

    assert len(heard) > 30
    assert all(alarm.words for alarm in heard)
