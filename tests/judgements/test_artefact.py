from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import load, save

from services.base.errors import Invalid
from services.judgements.artefact import LARGEST, pack, shipped, unpack
from services.judgements.judge import Judge
from tests.judgements.factories import facts, judged, shipped_plan, small_fit


def small_model(**about: Any) -> bytes:
    return pack(small_fit().weights, about).content


def test_a_model_gives_the_same_judgements_after_packing_and_unpacking() -> None:
    model, artefact = unpack(shipped().content)

    judgement = Judge(shipped_plan(), model).judge("宽带断网三天了", facts())

    assert judgement == judged("宽带断网三天了")
    assert judgement.model == artefact.name == shipped().name


def test_the_same_samples_give_the_same_bytes_and_others_another_name() -> None:
    one, same = small_model(made="here"), small_model(made="here")

    assert one == same
    assert unpack(one)[1].name != unpack(small_model(made="there"))[1].name


def test_what_is_told_of_a_model_is_read_back() -> None:
    assert unpack(small_model(texts=5, 语言="中文"))[1].about == {"texts": 5, "语言": "中文"}


def test_a_model_holds_no_words() -> None:
    content = shipped().content

    for word in ("断网", "宽带", "流量", "internet", "router", "overcharged", "华信", "brightline"):
        assert word.encode() not in content
        assert word.encode("utf-16-le") not in content
        assert word.encode("utf-32-le") not in content


def test_the_shipped_model_is_a_few_megabytes() -> None:
    assert 500_000 < len(shipped().content) < 6_000_000


def rewritten(content: bytes, header: dict[str, Any] | None = None, **tensors: Any) -> bytes:
    length = int.from_bytes(content[:8], "little")
    told = json.loads(json.loads(content[8 : 8 + length])["__metadata__"]["redress"])
    return bytes(save(load(content) | tensors, metadata={"redress": json.dumps(told | (header or {}))}))


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", "no model"),
        (b"PK\x03\x04 a zip", "no model"),
        (b"\xff" * 64, "no model"),
        (b"\x02\x00\x00\x00\x00\x00\x00\x00{}", "no model"),
        (b"\x00" * (LARGEST + 1), "no model"),
    ],
)
def test_a_file_that_is_no_model_is_refused(content: bytes, told: str) -> None:
    with pytest.raises(Invalid, match=told):
        unpack(content, "x.bin")


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"header": {"format": "redress-category-9"}}, "another release"),
        ({"header": {"reading": "0"}}, "another release"),
        ({"header": {"temperature": "nan"}}, "damaged"),
        ({"header": {"temperature": "0"}}, "damaged"),
        ({"header": {"labels": []}}, "damaged"),
        ({"header": {"labels": [["outage"]]}}, "damaged"),
        ({"header": {"about": 5}}, "damaged"),
        ({"bias": np.full(4, np.nan, np.float32)}, "damaged"),
        ({"bias": np.zeros(3, np.float32)}, "damaged"),
        ({"pulls": np.zeros((2, 4), np.int8)}, "damaged"),
        ({"slots": np.zeros(3, np.uint32)}, "damaged"),
    ],
)
def test_a_damaged_model_is_refused_with_its_name(changes: dict[str, Any], told: str) -> None:
    with pytest.raises(Invalid, match=f"x.bin.*{told}"):
        unpack(rewritten(small_model(), **changes), "x.bin")


def test_a_model_cut_short_is_refused() -> None:
    content = small_model()

    with pytest.raises(Invalid, match="damaged"):
        unpack(content[: len(content) // 2])
