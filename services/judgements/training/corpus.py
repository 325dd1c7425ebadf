"""The texts that were written for Redress to learn from, and the form of their files.

A file holds heads such as ``[billing refund]`` (a kind and a sub-category, or ``-`` for none), each followed by its
texts, one a line; ``[alarm danger_to_life]`` heads texts from which it is learned to hear that signal of severity, and
``[alarm -]`` those that only sound like one. The file's name tells language and register. Nothing here comes from a
customer or from another data set.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Final

from services.base.masking import mask
from services.judgements.language import language_of
from services.judgements.linear import CLASSES

PHRASES: Final = "phrases"
"""Files with this ending hold bare phrases, which say what words mean and not how people write."""
PHRASE_WEIGHT: Final = 0.3
ALARM: Final = "alarm"
"""The label of texts for hearing what is grave, beside the kinds."""

_HEAD: Final = re.compile(r"\[(\w+) (\w+|-)\]")


@dataclass(frozen=True, slots=True)
class Sample:
    """A text to learn from, masked, with what it is about.

    ``label`` is a kind or ``no_complaint``; ``source`` the register or, for cases, where the label comes from;
    ``weight`` how much it counts beside others. Samples of one ``author`` count as one where it is asked how many
    people use a word; without an author each stands for itself.
    """

    text: str
    label: str
    sub_category: str | None
    source: str
    weight: float = 1.0
    author: str | None = None

    @property
    def language(self) -> str:
        """The language of the text, by its script."""
        return language_of(self.text)


@cache
def corpus() -> tuple[Sample, ...]:
    """The texts with a kind, in the order of their files. Raises ValueError where one is malformed, with its line."""
    return tuple(sample for sample in _everything() if sample.label != ALARM)


@cache
def alarms() -> tuple[Sample, ...]:
    """The texts that tell of danger or sound like it; ``sub_category`` is the signal, None for none."""
    return tuple(sample for sample in _everything() if sample.label == ALARM)


def corpus_digest() -> str:
    """Tells whether the corpus has changed since a model was trained on it."""
    whole = hashlib.sha256()
    for name, text in _files():
        whole.update(f"{name}\0{text}\0".encode())
    return whole.hexdigest()[:16]


def read_corpus(text: str, name: str) -> Iterator[Sample]:
    """The samples in a file's text. Raises ValueError with the line where it is malformed."""
    head: re.Match[str] | None = None
    for number, line in enumerate(text.splitlines(), 1):
        line = line.strip()
        if not line or line.startswith("# "):
            continue
        if found := _HEAD.fullmatch(line):
            if found[1] not in (*CLASSES, ALARM):
                raise ValueError(f'{name}, line {number}: "{found[1]}" is none of {", ".join((*CLASSES, ALARM))}')
            head = found
        elif head is None:
            raise ValueError(f"{name}, line {number}: texts need a head before them, such as [billing refund]")
        else:
            weight = PHRASE_WEIGHT if name.endswith(PHRASES) else 1.0
            yield Sample(mask(line), head[1], None if head[2] == "-" else head[2], name, weight)


@cache
def _everything() -> tuple[Sample, ...]:
    return tuple(sample for name, text in _files() for sample in read_corpus(text, name))


def _files() -> Iterator[tuple[str, str]]:
    folder = files("services.judgements.training").joinpath("corpus")
    for file in sorted(folder.iterdir(), key=lambda file: file.name):
        if file.name.endswith(".txt"):
            yield file.name.removesuffix(".txt"), file.read_text("utf-8")
