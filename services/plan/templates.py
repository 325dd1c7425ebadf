"""An operator's own words for notices: the files beside the plan that become a part of it.

They are named as `services.notices` names its own: ``zh/email/result.txt``. This knows which names there are and where
the files lie; what stands in them is checked by whoever writes letters.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Final, get_args

from pydantic import AfterValidator

from services.base.errors import Misconfigured
from services.plan.findings import did_you_mean
from services.plan.vocabulary import LANGUAGES, NoticeKind

FOLDER: Final = "templates"
SECTION: Final = "templates"
WAYS: Final = ("email", "sms", "webhook")
LAYOUT: Final = "layout"
_LARGEST: Final = 64 * 1024
# Not every reader of YAML takes these for what they are.
_ESCAPED: Final = {ord(sign): f"\\u{ord(sign):04x}" for sign in "\x7f\x85\u2028\u2029\ufeff"}


def wrong_name(name: str) -> str | None:
    """What is wrong with a template's name, such as ``zh/email/result.txt``; None when nothing is."""
    steps = name.split("/")
    if len(steps) != 3:
        return f'"{name}" is no template; write for example zh/email/result.txt'
    language, way, file = steps
    kind, _, form = file.rpartition(".")
    if language not in LANGUAGES:
        return f'"{language}" is no language; {did_you_mean(language, LANGUAGES)}'
    if way not in WAYS:
        return f'"{way}" is no way; {did_you_mean(way, WAYS)}'
    if form != "txt" and (form != "html" or way != "email"):
        return f'"{file}" must end with .txt{" or .html" if way == "email" else ""}'
    kinds = (*get_args(NoticeKind), LAYOUT)
    return None if kind in kinds else f'"{kind}" is no kind of notice; {did_you_mean(kind, kinds)}'


def _checked(templates: Mapping[str, str]) -> Mapping[str, str]:
    for name in templates:
        if (wrong := wrong_name(name)) is not None:
            raise ValueError(wrong)
    return templates


Templates = Annotated[Mapping[str, str], AfterValidator(_checked)]


def read_templates(folder: Path) -> dict[str, str]:
    """The templates in a folder by their names; none when there is no such folder.

    Files whose names begin with a dot or end with ``~`` or ``.md`` are left out. Raises `Misconfigured` with all that
    can't be read or has no name of a template.
    """
    found: dict[str, str] = {}
    wrong: list[str] = []
    try:
        files = sorted(_files(folder))
    except OSError as error:
        raise Misconfigured(f"the folder of templates cannot be read: {error}") from error
    for file in files:
        name = file.relative_to(folder).as_posix()
        reason = wrong_name(name)
        if reason is None:
            try:
                found[name] = _text(file)
                continue
            except (OSError, ValueError) as error:
                reason = f"it cannot be read: {error}"
        wrong.append(f"{file}: {reason}")
    if wrong:
        raise Misconfigured("some templates beside the plan can't be used:\n" + "\n".join(wrong))
    return found


def with_templates(text: str, templates: Mapping[str, str]) -> str:
    """The plan's text with the templates as its last section. The same templates give the same text."""
    if not templates:
        return text
    lines = [f"  {_quoted(name)}: {_quoted(templates[name])}\n" for name in sorted(templates)]
    head = text if text.endswith("\n") else text + "\n"
    return f"{head}\n# The files in the folder {FOLDER} beside the plan.\n{SECTION}:\n{''.join(lines)}"


def _files(folder: Path, depth: int = 3) -> Iterator[Path]:
    if not folder.is_dir():
        return
    for one in folder.iterdir():
        if one.name.startswith(".") or one.name.endswith(("~", ".md")):
            continue
        if one.is_dir() and depth > 1:
            yield from _files(one, depth - 1)
        else:
            yield one


def _text(file: Path) -> str:
    with file.open("rb") as opened:
        content = opened.read(_LARGEST + 1)
    if len(content) > _LARGEST:
        raise ValueError(f"it is larger than {_LARGEST // 1024} KiB")
    return "\n".join(content.decode("utf-8-sig").replace("\r\n", "\n").split("\r"))


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False).translate(_ESCAPED)
