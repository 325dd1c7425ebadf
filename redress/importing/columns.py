"""Which column of a CSV file is which field of a complaint, and how cells become values."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo
from types import MappingProxyType
from typing import Any, Final

from services.base.errors import Invalid
from services.plan.catalogue import ChannelEntry, ServiceEntry
from services.plan.findings import did_you_mean
from services.plan.schema import Plan

FIELDS: Final = (
    "customer.name",
    "customer.phone",
    "customer.email",
    "customer.account",
    "customer.language",
    "customer.standing",
    "channel",
    "service_type",
    "region",
    "content",
    "occurred_at",
    "external_id",
    "reply_to.channel",
    "reply_to.address",
    "concerns.product",
    "concerns.promotion",
    "concerns.bill",
    "concerns.amount",
    "concerns.currency",
)
REQUIRED: Final = ("customer.name", "channel", "content")
# Whose last word alone says which field it is.
_BY_LAST_WORD: Final = {field.rpartition(".")[2]: field for field in FIELDS if not field.startswith("reply_to.")}
_CHINESE: Final = MappingProxyType(
    {
        "姓名": "customer.name",
        "客户姓名": "customer.name",
        "客户名称": "customer.name",
        "电话": "customer.phone",
        "手机": "customer.phone",
        "手机号": "customer.phone",
        "手机号码": "customer.phone",
        "联系电话": "customer.phone",
        "邮箱": "customer.email",
        "电子邮箱": "customer.email",
        "账号": "customer.account",
        "客户账号": "customer.account",
        "语言": "customer.language",
        "客户等级": "customer.standing",
        "渠道": "channel",
        "投诉渠道": "channel",
        "业务类型": "service_type",
        "地区": "region",
        "区域": "region",
        "内容": "content",
        "投诉内容": "content",
        "发生时间": "occurred_at",
        "工单号": "external_id",
        "投诉编号": "external_id",
        "产品": "concerns.product",
        "活动": "concerns.promotion",
        "账单": "concerns.bill",
        "金额": "concerns.amount",
        "币种": "concerns.currency",
    }
)
# What people write for short -> the code, where the plan has it.
_SHORT_CHANNELS: Final = MappingProxyType(
    {
        "热线": "hotline",
        "电话": "hotline",
        "在线客服": "online_chat",
        "在线": "online_chat",
        "微博": "social_media",
        "社交媒体": "social_media",
        "网站": "web",
        "网页": "web",
        "邮件": "email",
        "营业厅": "store",
        "门店": "store",
    }
)
_SHORT_SERVICES: Final = MappingProxyType(
    {
        "宽带": "broadband",
        "手机": "mobile",
        "移动": "mobile",
        "固话": "fixed_line",
        "电视": "tv",
        "其他": "other",
    }
)
# A time as spreadsheets write it, without a zone; a date alone is its midnight.
_LOCAL_TIME: Final = re.compile(
    r"(\d{4})[-/](\d{1,2})[-/](\d{1,2})(?:[ T]+(\d{1,2})(:\d{2}(?::\d{2}(?:\.\d{1,6})?)?))?", re.ASCII
)
# What people call channels and services -> their codes, by field.
Words = Mapping[str, Mapping[str, str]]


@dataclass(frozen=True, slots=True)
class Columns:
    """The header, and for each column its field (None: left out)."""

    header: tuple[str, ...]
    fields: tuple[str | None, ...]
    delimiter: str
    words: Words
    zone: tzinfo

    @property
    def left_out(self) -> tuple[str, ...]:
        """Headers of columns that are not taken over."""
        return tuple(name for name, field in zip(self.header, self.fields, strict=True) if field is None)

    def complaint(self, cells: Sequence[str]) -> dict[str, Any]:
        """The complaint in a row's cells, as it would be posted; an empty cell is a field left out."""
        complaint: dict[str, Any] = {}
        for field, cell in zip(self.fields, cells, strict=True):
            value = cell.strip()
            if field is None or not value:
                continue
            value = self.words.get(field, {}).get(value.casefold(), value)
            if field == "occurred_at":
                value = _with_zone(value, self.zone)
            section, _, name = field.rpartition(".")
            (complaint.setdefault(section, {}) if section else complaint)[name] = value
        return complaint


def words_of(plan: Plan) -> Words:
    """What the plan calls channels and services, in both languages, and what people write for short."""
    return {
        "channel": _names(plan.channels, _SHORT_CHANNELS),
        "service_type": _names(plan.services, _SHORT_SERVICES),
    }


def columns_for(
    header: Sequence[str], delimiter: str, mapping: Mapping[str, str], words: Words, zone: tzinfo
) -> Columns:
    """The columns of a header: as ``mapping`` says, else by name (a field's name or its last word, or in Chinese).

    Raises `Invalid` for a mapping of what is not there, a field that two columns fill, or a required field that none
    does.
    """
    names = tuple(name.strip() for name in header)
    _check(mapping, names)
    fields = tuple(mapping[name] if name in mapping else _field_of(name) for name in names)
    filled = [field for field in fields if field is not None]
    for field in filled:
        if filled.count(field) > 1:
            several = ", ".join(name for name, of in zip(names, fields, strict=True) if of == field)
            raise Invalid(f"several columns are {field}: {several}; choose with --map, or leave one out of the file")
    missing = [field for field in REQUIRED if field not in filled]
    if missing:
        raise Invalid(
            f"no column is {' or '.join(missing)}; the header has {', '.join(names)}. "
            f"Name one with --map 'HEADER={missing[0]}'"
        )
    return Columns(names, fields, delimiter, words, zone)


def _names(entries: Iterable[ChannelEntry | ServiceEntry], short: Mapping[str, str]) -> dict[str, str]:
    names = {name.casefold(): entry.code for entry in entries for name in (entry.name.zh, entry.name.en)}
    codes = set(names.values())
    return {name: code for name, code in short.items() if code in codes} | names


def _with_zone(value: str, zone: tzinfo) -> str:
    """A time without a zone as one in ``zone``; anything else as it is, for the service to judge."""
    found = _LOCAL_TIME.fullmatch(value)
    if found is None:
        return value
    year, month, day, hour, rest = found.groups()
    try:
        local = datetime.fromisoformat(f"{year}-{month:0>2}-{day:0>2}T{hour or '':0>2}{rest or ':00'}")
    except ValueError:
        return value
    return local.replace(tzinfo=zone).isoformat()


def _check(mapping: Mapping[str, str], names: Sequence[str]) -> None:
    for name, field in mapping.items():
        if name not in names:
            raise Invalid(f"--map: there is no column '{name}'; {did_you_mean(name, names)}")
        if field not in FIELDS:
            raise Invalid(f"--map: a complaint has no field '{field}'; {did_you_mean(field, FIELDS)}")


def _field_of(name: str) -> str | None:
    folded = name.casefold().replace(" ", "_").replace("-", "_")
    if folded in FIELDS:
        return folded
    return _BY_LAST_WORD.get(folded) or _CHINESE.get(name)
