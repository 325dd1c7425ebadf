"""What issuing a directive and acting on one takes, as typed and checked bodies."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, ClassVar, Final

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from services.base.errors import NotFound
from services.casework.action import ActionBody, CaseName, CodeOf, Words
from services.plan.values import Text


class Issue(BaseModel):
    """A directive of the leadership group to one or several groups."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    EXAMPLE: ClassVar[Mapping[str, Any]] = MappingProxyType(
        {
            "text": "海淀片区光缆中断，技术支持组今晚22时前恢复；客服组统一口径，告知客户预计恢复时间。",
            "groups": ["technical_support", "customer_service"],
            "due_at": "2026-11-23T22:00:00+08:00",
            "complaint": "RD-7K3M-9PQ2-X",
        }
    )

    text: Words
    groups: tuple[CodeOf, ...] = Field(min_length=1, max_length=50, description="Groups of the plan.")
    due_at: AwareDatetime = Field(description="In the future, within a year, with time zone.")
    complaint: CaseName | None = Field(None, description="The id or reference of the case that it is about.")


class Acknowledge(ActionBody):
    """Say that you have taken notice. Who has already is answered the same again."""

    ACTION: ClassVar[str] = "acknowledge"
    NAME: ClassVar[Text] = Text(zh="确认知悉", en="Acknowledge")
    EXAMPLE: ClassVar[Mapping[str, Any]] = {}


class Progress(ActionBody):
    """Say how far it is. Whoever issued it is told."""

    ACTION: ClassVar[str] = "progress"
    NAME: ClassVar[Text] = Text(zh="反馈进展", en="Report progress")
    EXAMPLE: ClassVar[Mapping[str, Any]] = {"text": "抢修队已到现场，正在熔接光缆，预计21时完成。"}

    text: Words


class Close(ActionBody):
    """Close it, with what came of it."""

    ACTION: ClassVar[str] = "close"
    NAME: ClassVar[Text] = Text(zh="结束指令", en="Close")
    EXAMPLE: ClassVar[Mapping[str, Any]] = {"text": "21时10分全部恢复，客户已逐一回访。"}

    text: Words


AnyDirectiveBody = Acknowledge | Progress | Close
BODIES: Final = MappingProxyType({body.ACTION: body for body in (Acknowledge, Progress, Close)})


def body_of(action: str) -> type[AnyDirectiveBody]:
    """What ``action`` takes. Raises `NotFound` for an action that does not exist."""
    try:
        return BODIES[action]
    except KeyError:
        raise NotFound(
            f"nothing called '{action[:40]}' can be done to a directive; the actions are {', '.join(BODIES)}"
        ) from None
