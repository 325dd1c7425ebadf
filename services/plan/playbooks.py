"""What the plan says of handling: the steps of each kind of complaint, compensation, contact, and what groups owe.

Which action may be done when is decided in `services.casework`; here stands what the operator wants done.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from decimal import Decimal
from typing import Annotated, Final

from pydantic import BeforeValidator, Field

from services.plan.allowances import AllowanceValue
from services.plan.values import Code, CurrencyCode, Duration, Entry, Flag, Sentence, Text, quoted
from services.plan.vocabulary import (
    Category,
    CompensationKind,
    Severity,
    StepAction,
    StepCondition,
    TaskKind,
    Verdict,
)

MOST_DECIMALS: Final = 4


def _amount(value: object) -> Decimal:
    """Money in a plan: a whole number, or a text such as "99.50"; a YAML float is not exact."""
    if isinstance(value, Decimal):
        return value
    if isinstance(value, float):
        raise ValueError(f'{value} may not be exact; put it in quotes: "{value}"')
    try:
        amount = Decimal(str(value)) if isinstance(value, int | str) and not isinstance(value, bool) else None
    except ArithmeticError:
        amount = None
    if amount is None or not amount.is_finite() or amount < 0:
        raise ValueError(f'{quoted(value)} is no amount of money; write for example 200 or "99.50"')
    return amount


Amount = Annotated[Decimal, BeforeValidator(_amount)]
Amounts = dict[CurrencyCode, Amount]


class Step(Entry):
    """One step of a playbook: it is done by an action, or skipped with a reason where that is allowed.

    ``by`` is the group that does it, the case's own unless given. ``within`` is counted from the moment at which the
    step is next, on the calendar of that group. ``only_if`` leaves the step out of cases that don't want it.
    ``early: true`` lets it be done before its turn. ``tell: false`` keeps what the step tells from the customer.
    """

    code: Code
    name: Text
    action: StepAction
    by: Code | None = None
    within: AllowanceValue | None = None
    only_if: StepCondition | None = None
    may_skip: Flag = True
    early: Flag = False
    tell: Flag = True


class Playbook(Entry):
    """The steps for a category, in order; for some sub-categories or severities only, where they are listed."""

    code: Code
    name: Text
    category: Category
    subcategories: tuple[Code, ...] = ()
    severities: tuple[Severity, ...] = ()
    steps: tuple[Step, ...] = Field(min_length=1)

    def fits(self, category: str, subcategory: str | None, severity: str) -> bool:
        """Whether a case of this kind is handled by this playbook."""
        return (
            self.category == category
            and (not self.subcategories or subcategory in self.subcategories)
            and (not self.severities or severity in self.severities)
        )

    def step(self, code: str) -> Step | None:
        """The step of this code; None when the playbook has none."""
        return next((step for step in self.steps if step.code == code), None)

    def next_step(self, over: Collection[str], wanted: Mapping[StepCondition, bool]) -> Step | None:
        """The first step that is neither ``over`` (done or skipped) nor unwanted; None when all are."""
        return next(
            (
                step
                for step in self.steps
                if step.code not in over and (step.only_if is None or wanted.get(step.only_if, False))
            ),
            None,
        )


class Currency(Entry):
    """A currency in which money may be given, and how many decimals its amounts have."""

    code: CurrencyCode
    decimals: Annotated[int, Field(strict=True, ge=0, le=MOST_DECIMALS)] = 2


class Limits(Entry):
    """Up to which amount, by currency, whom one may grant alone. A currency left out: nothing."""

    member: Amounts = Field(default_factory=dict)
    head: Amounts = Field(default_factory=dict)
    leadership: Amounts = Field(default_factory=dict)


class Compensation(Entry):
    """What may be given to customers, by whom, and who pays it by when.

    ``legal_check_above``: amounts that legal counsel looks at first. ``paid_by`` is a group; ``pay_within`` is counted
    on its calendar from the decision.
    """

    kinds: tuple[CompensationKind, ...] = Field(min_length=1)
    currencies: tuple[Currency, ...] = Field(min_length=1)
    limits: Limits
    legal_check_above: Amounts = Field(default_factory=dict)
    paid_by: Code
    pay_within: AllowanceValue

    def decimals(self, currency: str) -> int | None:
        """How many decimals amounts in this currency have; None for one that the plan does not know."""
        return next((one.decimals for one in self.currencies if one.code == currency), None)


class Review(Entry):
    """After which verdicts on misleading promotion legal counsel must look at a billing complaint."""

    legal_check_on: tuple[Verdict, ...] = ()


class Contact(Entry):
    """Reaching the customer: after so many ``attempts`` in a row that failed, they are written to."""

    attempts: Annotated[int, Field(strict=True, ge=1, le=20)]


class Awaiting(Entry):
    """A case that waits for its customer: when they are reminded, and when it goes back to the one who has it.

    All counted from the question. Without an answer nobody's case may lie for ever.
    """

    remind_after: tuple[Duration, ...] = ()
    give_back_after: Duration


class TaskEntry(Entry):
    """A kind of task: which group owes it unless said otherwise, and how long it may take on that group's calendar."""

    kind: TaskKind
    name: Text
    group: Code
    within: AllowanceValue


class Article(Entry):
    """A piece of guidance for customers, in steps; for a category, or only some of its sub-categories."""

    code: Code
    title: Text
    category: Category
    subcategories: tuple[Code, ...] = ()
    steps: tuple[Text, ...] = Field(min_length=1)
    source: Sentence | None = None
