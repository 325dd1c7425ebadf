"""What each staff action takes, as typed and checked bodies; what an action does with it is decided elsewhere."""

from __future__ import annotations

from types import MappingProxyType
from typing import Annotated, ClassVar, Final, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints, model_validator
from pydantic_core import PydanticCustomError

from services.base.errors import NotFound
from services.base.texts import PRINTABLE
from services.plan.values import Text

LONGEST_TEXT: Final = 20_000

Words = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=LONGEST_TEXT),
    PRINTABLE,
]


class ActionBody(BaseModel):
    """What an action takes. Unknown fields are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    ACTION: ClassVar[str]
    """The action's name in addresses and in `services.complaints.lifecycle`."""
    NAME: ClassVar[Text]
    """What staff call it."""
    EXAMPLE: ClassVar[dict[str, str]]


class Accept(ActionBody):
    """Take the case up: it becomes yours, and its first answer is given."""

    ACTION: ClassVar[str] = "accept"
    NAME: ClassVar[Text] = Text(zh="接单", en="Accept")
    EXAMPLE: ClassVar[dict[str, str]] = {}


class Note(ActionBody):
    """Write a note for the record. The customer does not see it."""

    ACTION: ClassVar[str] = "note"
    NAME: ClassVar[Text] = Text(zh="添加备注", en="Add a note")
    EXAMPLE: ClassVar[dict[str, str]] = {"text": "已联系客户，客户表示今晚在家。"}

    text: Words


class SetEta(ActionBody):
    """Say by when the fault will be repaired. The customer is told."""

    ACTION: ClassVar[str] = "set-eta"
    NAME: ClassVar[Text] = Text(zh="设定预计修复时间", en="Set the estimated repair time")
    EXAMPLE: ClassVar[dict[str, str]] = {"estimated_repair_at": "2026-11-24T18:00:00+08:00"}

    estimated_repair_at: AwareDatetime = Field(description="In the future, within a year, with time zone.")
    reason: Words | None = Field(None, description="Why it changes; needed when there is an estimate already.")


class Reclassify(ActionBody):
    """Overrule the judgement. Another group's category sends the case there; otherwise it stays where it is."""

    ACTION: ClassVar[str] = "reclassify"
    NAME: ClassVar[Text] = Text(zh="调整分类", en="Reclassify")
    EXAMPLE: ClassVar[dict[str, str]] = {"category": "billing", "reason": "客户投诉的是宽带续约费用，并非网络故障。"}

    category: Literal["outage", "billing", "technical_support"] | None = Field(None, description="Left out: as it is.")
    severity: Literal["critical", "major", "minor", "low"] | None = Field(None, description="Left out: as it is.")
    reason: Words


class Resolve(ActionBody):
    """Say how it was settled, in the customer's language. The customer is told these words."""

    ACTION: ClassVar[str] = "resolve"
    NAME: ClassVar[Text] = Text(zh="提交处理结果", en="Resolve")
    EXAMPLE: ClassVar[dict[str, str]] = {"text": "小区光缆已修复，您的宽带已恢复正常。"}

    text: Words


class Close(ActionBody):
    """Close it: the customer accepts the result, or the decision is final."""

    ACTION: ClassVar[str] = "close"
    NAME: ClassVar[Text] = Text(zh="办结", en="Close")
    EXAMPLE: ClassVar[dict[str, str]] = {"decision": "customer_accepted", "reason": "客户在回访电话中确认网络已恢复。"}

    decision: Literal["customer_accepted", "final_decision"]
    reason: Words | None = Field(
        None,
        description="The grounds of a final decision; or how the customer learned the result and accepted it, "
        "needed while the notice of the result has not been sent.",
    )

    @model_validator(mode="after")
    def _final_decision_has_grounds(self) -> Close:
        if self.decision == "final_decision" and self.reason is None:
            raise PydanticCustomError("no_grounds", "a final decision needs its grounds; write them in reason")
        return self


class Reopen(ActionBody):
    """Take it up again. It goes back to the one who had it."""

    ACTION: ClassVar[str] = "reopen"
    NAME: ClassVar[Text] = Text(zh="重新受理", en="Reopen")
    EXAMPLE: ClassVar[dict[str, str]] = {"reason": "客户来电反映网络再次中断。"}

    reason: Words


AnyBody = Accept | Note | SetEta | Reclassify | Resolve | Close | Reopen
BODIES: Final = MappingProxyType(
    {body.ACTION: body for body in (Accept, Note, SetEta, Reclassify, Resolve, Close, Reopen)}
)


def body_of(action: str) -> type[AnyBody]:
    """What ``action`` takes. Raises `NotFound` for an action that does not exist."""
    try:
        return BODIES[action]
    except KeyError:
        raise NotFound(f"there is no action '{action[:40]}'; the actions are {', '.join(BODIES)}") from None
