"""What opening a task and acting on one takes, as typed and checked bodies."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Annotated, Any, ClassVar, Final
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator
from pydantic_core import PydanticCustomError

from services.base.errors import NotFound
from services.base.texts import PRINTABLE
from services.casework.action import ActionBody, CaseName, CodeOf, Login, Words
from services.plan.values import Text
from services.plan.vocabulary import TaskKind

Title = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=2_000), PRINTABLE]


class OpenTask(BaseModel):
    """A task for a group, opened by hand. By when it is due follows from the plan."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    EXAMPLE: ClassVar[Mapping[str, Any]] = {
        "kind": "promotion_review",
        "title": "请核查“畅享家庭”套餐的宣传页，首年价格未注明次年恢复原价。",
        "complaint": "RD-7K3M-9PQ2-X",
    }

    kind: TaskKind
    title: Title | None = Field(None, description="What is to be done, for those who do it; needed for kind other.")
    group: CodeOf | None = Field(None, description="Left out: the group that the plan names for this kind.")
    assignee: Login | None = Field(None, description="A login of that group. Left out: its head shares it out.")
    complaint: CaseName | None = Field(None, description="The id or reference of the case that it is about.")
    directive: UUID | None = Field(None, description="The open directive that it carries out.")

    @model_validator(mode="after")
    def _other_says_what(self) -> OpenTask:
        if self.kind == "other" and self.title is None:
            raise PydanticCustomError("no_title", "a task of kind other needs a title that says what is to be done")
        return self


class Take(ActionBody):
    """Take the task: it becomes yours."""

    ACTION: ClassVar[str] = "take"
    NAME: ClassVar[Text] = Text(zh="领取任务", en="Take")
    EXAMPLE: ClassVar[Mapping[str, Any]] = {}


class Assign(ActionBody):
    """Give the task to somebody of the group that owes it. They are told."""

    ACTION: ClassVar[str] = "assign"
    NAME: ClassVar[Text] = Text(zh="指派任务", en="Assign")
    EXAMPLE: ClassVar[Mapping[str, Any]] = {"assignee": "wang.fang"}

    assignee: Login


class Done(ActionBody):
    """Say that it is done, and what came of it."""

    ACTION: ClassVar[str] = "done"
    NAME: ClassVar[Text] = Text(zh="完成任务", en="Done")
    EXAMPLE: ClassVar[Mapping[str, Any]] = {"outcome": "已致电客户，客户同意周六上午上门检修。"}

    outcome: Words


class Cancel(ActionBody):
    """Say that it need not be done any more, and why."""

    ACTION: ClassVar[str] = "cancel"
    NAME: ClassVar[Text] = Text(zh="取消任务", en="Cancel")
    EXAMPLE: ClassVar[Mapping[str, Any]] = {"reason": "客户已撤回投诉。"}

    reason: Words


class Acknowledge(ActionBody):
    """Say that you know that it is overdue and see to it. The next one up is not told for now."""

    ACTION: ClassVar[str] = "acknowledge"
    NAME: ClassVar[Text] = Text(zh="确认知悉", en="Acknowledge")
    EXAMPLE: ClassVar[Mapping[str, Any]] = {}


AnyTaskBody = Take | Assign | Done | Cancel | Acknowledge
BODIES: Final = MappingProxyType({body.ACTION: body for body in (Take, Assign, Done, Cancel, Acknowledge)})


def body_of(action: str) -> type[AnyTaskBody]:
    """What ``action`` takes. Raises `NotFound` for an action that does not exist."""
    try:
        return BODIES[action]
    except KeyError:
        raise NotFound(
            f"nothing called '{action[:40]}' can be done to a task; the actions are {', '.join(BODIES)}"
        ) from None
