"""What the plan says of escalation and of reporting to the leadership group."""

from __future__ import annotations

from pydantic import Field

from services.plan.values import Duration, Entry, Text
from services.plan.vocabulary import RungHolder


class Rung(Entry):
    """One rung of the ladder: who is told, and how long they have to acknowledge before the next one is."""

    to: RungHolder
    acknowledge_within: Duration


class Causes(Entry):
    """On which rung an escalation begins, by its cause. By hand it goes one rung above the last."""

    deadline_missed: RungHolder
    estimate_missed: RungHolder
    regulator_limit: RungHolder
    reopened: RungHolder
    task_overdue: RungHolder


class Escalation(Entry):
    """The ladder from the person up to senior management. The top rung is told again until it acknowledges."""

    ladder: tuple[Rung, ...] = Field(min_length=1)
    causes: Causes

    def rung_of(self, holder: RungHolder) -> int:
        """The place of the rung in the ladder, from 0; the top for one that the ladder leaves out."""
        places = [place for place, rung in enumerate(self.ladder) if rung.to == holder]
        return places[0] if places else len(self.ladder) - 1


class Reporting(Entry):
    """What the leadership group is asked when a major complaint is reported to it."""

    ask: Text
