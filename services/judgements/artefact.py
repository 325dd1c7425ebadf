"""A category model as bytes: the form in which models are kept in the database, shipped, and handed on as files.

The form is safetensors: numbers and a header of plain text, nothing that could run. Weights are kept in a byte each, so
that a model is a few megabytes. It holds hashes of pieces of words and no words, hence no names either.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load, save

from services.base.errors import Invalid
from services.judgements.features import READING, SLOTS
from services.judgements.linear import CLASSES, Floats, LinearModel, Weights
from services.judgements.values import KINDS

FORMAT: Final = "redress-category-1"
LARGEST: Final = 32 * 1024 * 1024
"""Bytes; a file larger than this is no model of ours."""

_SHIPPED: Final = "category.safetensors"
_HEADER: Final = "redress"


@dataclass(frozen=True, slots=True)
class Artefact:
    """A model's bytes, what it is called, and what is told about how it came to be (JSON values)."""

    content: bytes
    name: str
    about: Mapping[str, Any]


def pack(weights: Weights, about: Mapping[str, Any]) -> Artefact:
    """The bytes of a model. The same weights and the same ``about`` give the same bytes."""
    pulls, pull_scale = _quantized(weights.pulls)
    finer, finer_scale = _quantized(weights.finer)
    alarm_pulls, alarm_scale = _quantized(weights.alarm_pulls)
    tensors: dict[str, NDArray[Any]] = {
        "slots": weights.slots.astype(np.uint32),
        "rarity": weights.rarity.astype(np.float16),
        "pulls": pulls,
        "pull_scale": pull_scale,
        "bias": weights.bias.astype(np.float32),
        "finer": finer,
        "finer_scale": finer_scale,
        "finer_bias": weights.finer_bias.astype(np.float32),
        "alarm_pulls": alarm_pulls,
        "alarm_scale": alarm_scale,
        "alarm_bias": weights.alarm_bias.astype(np.float32),
    }
    told = {
        "format": FORMAT,
        "reading": READING,
        "labels": [list(label) for label in weights.labels],
        "alarms": list(weights.alarms),
        "temperature": weights.temperature,
        "about": dict(about),
    }
    # One entry: the library writes several in any order, and the same model is to have the same bytes.
    header = {_HEADER: json.dumps(told, ensure_ascii=False, sort_keys=True)}
    content = save(tensors, metadata=header)
    return Artefact(content, _name(content), about)


def unpack(content: bytes, source: str = "the file") -> tuple[LinearModel, Artefact]:
    """The model in these bytes. Raises `Invalid`, naming ``source``, when they hold none that this release can use."""
    header = _header(content, source)
    try:
        tensors = load(content)
        labels = tuple((kind, code) for kind, code in header["labels"])
        weights = Weights(
            slots=tensors["slots"].astype(np.int64),
            rarity=tensors["rarity"].astype(np.float32),
            pulls=tensors["pulls"].astype(np.float32) * tensors["pull_scale"],
            bias=tensors["bias"],
            labels=labels,
            finer=tensors["finer"].astype(np.float32) * tensors["finer_scale"],
            finer_bias=tensors["finer_bias"],
            alarms=tuple(map(str, header["alarms"])),
            alarm_pulls=tensors["alarm_pulls"].astype(np.float32) * tensors["alarm_scale"],
            alarm_bias=tensors["alarm_bias"],
            temperature=float(header["temperature"]),
        )
        about = dict(header["about"])
    except (SafetensorError, KeyError, TypeError, ValueError) as error:
        raise Invalid(f"{source} is a damaged model: {error}") from error
    _check(weights, source)
    artefact = Artefact(content, _name(content), about)
    return LinearModel(artefact.name, weights), artefact


def shipped() -> Artefact:
    """The model that comes with this release."""
    content = files("services.judgements").joinpath(_SHIPPED).read_bytes()
    return unpack(content, "the shipped model")[1]


def _name(content: bytes) -> str:
    """What judgements call the model: the same bytes have the same name everywhere."""
    return f"category-{hashlib.sha256(content).hexdigest()[:10]}"


def _quantized(values: Floats) -> tuple[NDArray[np.int8], Floats]:
    """Each column in steps of a 127th of its largest value."""
    scale = np.maximum(np.abs(values).max(axis=0, initial=0.0), 1e-9).astype(np.float32) / np.float32(127)
    return np.rint(values / scale).astype(np.int8), scale


def _header(content: bytes, source: str) -> dict[str, Any]:
    """What the header of a safetensors file tells: a length of eight bytes, then JSON."""
    length = int.from_bytes(content[:8], "little")
    try:
        if len(content) > LARGEST or not 0 < length <= len(content) - 8:
            raise ValueError
        header = json.loads(json.loads(content[8 : 8 + length])["__metadata__"][_HEADER])
        fits = (header["format"], header["reading"]) == (FORMAT, READING)
    except (ValueError, KeyError, TypeError, RecursionError):
        raise Invalid(f"{source} is no model; one is made by `redress classifier train`") from None
    if not fits:
        raise Invalid(f"{source} is a model for another release of Redress; train it anew with this one")
    return dict(header)


def _check(weights: Weights, source: str) -> None:
    """Sizes and values that judging relies on; files come from people."""
    count, labels, alarms = len(weights.slots), len(weights.labels), len(weights.alarms)
    numbers = (
        *(weights.rarity, weights.pulls, weights.bias, weights.finer, weights.finer_bias),
        *(weights.alarm_pulls, weights.alarm_bias),
    )
    sound = (
        weights.rarity.shape == (count,)
        and weights.pulls.shape == (count, len(CLASSES))
        and weights.bias.shape == (len(CLASSES),)
        and weights.finer.shape == (count, labels)
        and weights.finer_bias.shape == (labels,)
        and weights.alarm_pulls.shape == (count, alarms)
        and weights.alarm_bias.shape == (alarms,)
        and all(kind in KINDS for kind, _ in weights.labels)
        and bool(np.all(np.diff(weights.slots) > 0))
        and (count == 0 or bool(weights.slots[0] >= 0 and weights.slots[-1] < SLOTS))
        and all(bool(np.isfinite(values).all()) for values in numbers)
        and bool((weights.rarity > 0).all())
        and 0 < weights.temperature < np.inf
    )
    if not sound:
        raise Invalid(f"{source} is a damaged model: its parts do not fit together")
