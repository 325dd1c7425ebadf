"""Where a case stands in its playbook, and what decisions about it need: one small value, kept with the case.

What was said and found stands in the case's events; here is only what the next step depends on.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from services.plan.playbooks import Playbook, Step
from services.plan.schema import Plan
from services.plan.vocabulary import StepAction, StepCondition


@dataclass(frozen=True, slots=True)
class Handling:
    """``done`` and ``skipped`` hold codes of steps; ``wants`` what the case was found to need.

    ``failed_contacts`` counts attempts in a row that did not reach the customer, ``broken`` estimates that passed
    unmet, ``reminded`` reminders of the open question. ``legally_checked``: legal counsel has looked at it.
    """

    playbook: str | None = None
    done: tuple[str, ...] = ()
    skipped: tuple[str, ...] = ()
    wants: Mapping[StepCondition, bool] = field(default_factory=dict)
    failed_contacts: int = 0
    broken: int = 0
    reminded: int = 0
    legally_checked: bool = False

    @classmethod
    def of(cls, kept: Mapping[str, Any] | None) -> Handling:
        """As it was kept; the beginning for a case that was not dispatched yet."""
        if not kept:
            return cls()
        return cls(**{**kept, "done": tuple(kept["done"]), "skipped": tuple(kept["skipped"])})

    def kept(self) -> dict[str, Any]:
        """The form in which it is kept."""
        return asdict(self) | {"wants": dict(self.wants)}

    @property
    def over(self) -> frozenset[str]:
        """The steps that are done or skipped."""
        return frozenset(self.done) | frozenset(self.skipped)

    def playbook_of(self, plan: Plan) -> Playbook | None:
        """Its playbook; None for an unclear case."""
        return None if self.playbook is None else plan.playbook(self.playbook)

    def next_step(self, plan: Plan) -> Step | None:
        """The step that is next; None when all are over."""
        playbook = self.playbook_of(plan)
        return None if playbook is None else playbook.next_step(self.over, self.wants)

    def step_for(self, plan: Plan, action: str) -> Step | None:
        """The step that ``action`` would settle now.

        It is the next one if that is its action, else an open one that may be done before its turn.
        """
        following = self.next_step(plan)
        if following is not None and following.action == action:
            return following
        return next((step for step in self.open_steps(plan) if step.action == action and step.early), None)

    def step_if_wanted(self, plan: Plan, condition: StepCondition, action: str) -> Step | None:
        """The open step of an action that makes itself wanted: done although nobody had asked for it before."""
        wanted = self.want(condition, True).open_steps(plan)
        return next((step for step in wanted if step.action == action), None)

    def open_steps(self, plan: Plan) -> tuple[Step, ...]:
        """The steps that are wanted and not over, in order."""
        playbook = self.playbook_of(plan)
        if playbook is None:
            return ()
        return tuple(
            step
            for step in playbook.steps
            if step.code not in self.over and (step.only_if is None or self.wants.get(step.only_if, False))
        )

    def settled(self, step: Step | None) -> Handling:
        """With this step done. One that was skipped before counts as done."""
        if step is None or step.code in self.done:
            return self
        return replace(
            self, done=(*self.done, step.code), skipped=tuple(code for code in self.skipped if code != step.code)
        )

    def skip(self, step: Step) -> Handling:
        """With this step left out."""
        return replace(self, skipped=(*self.skipped, step.code))

    def again(self, plan: Plan, actions: Collection[StepAction]) -> Handling:
        """With the steps of these actions to be done anew."""
        playbook = self.playbook_of(plan)
        codes = {step.code for step in playbook.steps if step.action in actions} if playbook else set()
        return replace(
            self,
            done=tuple(code for code in self.done if code not in codes),
            skipped=tuple(code for code in self.skipped if code not in codes),
        )

    def contacted(self, failed: int) -> Handling:
        """After an attempt to reach the customer; ``failed`` counts those in a row that failed."""
        return replace(self, failed_contacts=failed)

    def asked(self) -> Handling:
        """With a question to the customer open, of which they were not reminded yet."""
        return replace(self, reminded=0)

    def want(self, condition: StepCondition, wanted: bool) -> Handling:
        """With a condition of steps set."""
        return replace(self, wants={**self.wants, condition: wanted})

    def begun_anew(self) -> Handling:
        """For a case that is taken up again: every step is to be done again; what was found stands in the record."""
        return Handling(playbook=self.playbook, broken=self.broken)

    def under(self, playbook: Playbook | None) -> Handling:
        """Under another playbook: what was done counts there, too, by the codes of steps."""
        return replace(self, playbook=None if playbook is None else playbook.code)


def handling_for(plan: Plan, kept: Mapping[str, Any] | None, category: str, sub: str | None, severity: str) -> Handling:
    """Where a case of this kind stands, going on from what was kept."""
    return Handling.of(kept).under(plan.playbook_for(category, sub, severity))
