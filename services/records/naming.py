"""How the record names people, groups, times and amounts in a language, under the plan that the case ran under."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final
from zoneinfo import ZoneInfo

from services.base.errors import NotFound
from services.notices.writing import moment, money
from services.plan.schema import NamedKind, Plan
from services.plan.values import Text
from services.plan.vocabulary import Language

_SYSTEM: Final = Text(zh="系统", en="System")
_CUSTOMER: Final = Text(zh="客户", en="Customer")
_ROLES: Final = {
    "admin": Text(zh="管理员", en="Administrator"),
    "channel": Text(zh="渠道", en="Channel"),
    "integrator": Text(zh="对接系统", en="Integrator"),
}
_NOBODY: Final = Text(zh="待派单", en="nobody yet")
_UNITS: Final = ((86_400, "天", "d"), (3_600, "小时", "h"), (60, "分钟", "min"))


class Naming:
    """Names in one language. A code that no plan knows is given back as it is: cases outlive plans.

    ``in_force`` is the plan of today, which knows people who came after the case's own ``plan``.
    """

    def __init__(self, plan: Plan, language: Language, in_force: Plan | None = None) -> None:
        self.language = language
        self._plans = (plan,) if in_force is None else (plan, in_force)
        self._zone = ZoneInfo(plan.plan.time_zone)

    def of(self, kind: NamedKind, code: str | None) -> str:
        """What the plan calls a code."""
        return "" if code is None else self._plans[0].name_of(kind, code, self.language)

    def step(self, code: str, playbook: str | None = None) -> str:
        """What a step is called, in its playbook or else in the first that has it."""
        return self.text(step_name(self._plans[0], code, playbook))

    def text(self, text: Text) -> str:
        """The text in this language."""
        return text.in_language(self.language)

    def person(self, login: str | None) -> str:
        """A member of staff by name; who is in neither plan, by login."""
        if login is None:
            return self.text(_NOBODY)
        for plan in self._plans:
            try:
                return self.text(plan.person(login).name)
            except NotFound:
                continue
        return login

    def title(self, login: str | None) -> str:
        """What a member of staff is; empty for who is in neither plan."""
        for plan in self._plans:
            try:
                return self.text(plan.person(login or "").title)
            except NotFound:
                continue
        return ""

    def titled(self, login: str | None) -> str:
        """A member of staff by name and title."""
        name, title = self.person(login), self.title(login)
        if not title:
            return name
        return f"{name}（{title}）" if self.language == "zh" else f"{name} ({title})"

    def people(self, logins: Sequence[str]) -> str:
        """Several members of staff."""
        return ("、" if self.language == "zh" else ", ").join(map(self.person, logins))

    def who(self, actor: str) -> str:
        """Who did something, as the event log names them."""
        role, _, name = actor.partition(":")
        if role == "system":
            return self.text(_SYSTEM)
        if role == "customer":
            return self.text(_CUSTOMER)
        if role == "staff":
            return self.person(name)
        return f"{self.text(_ROLES[role])} {name}" if role in _ROLES else actor

    def time(self, at: datetime | str) -> str:
        """A moment on the clock of the plan's time zone, to the minute."""
        time = datetime.fromisoformat(at) if isinstance(at, str) else at
        return moment(time.astimezone(self._zone), self.language)

    def stamp(self, at: datetime) -> str:
        """A moment in short, to the second, for tables."""
        return f"{at.astimezone(self._zone):%Y-%m-%d %H:%M:%S}"

    def amount(self, amount: str, currency: str) -> str:
        """An amount of money."""
        return money(amount, currency, self.language)

    def length(self, seconds: int) -> str:
        """A length of time in days, hours and minutes; in seconds below one minute."""
        seconds = abs(seconds)
        if seconds < 60:
            return f"{seconds}秒" if self.language == "zh" else f"{seconds} s"
        parts, left = [], seconds
        for size, chinese, english in _UNITS:
            count, left = divmod(left, size)
            if count:
                parts.append(f"{count}{chinese}" if self.language == "zh" else f"{count} {english}")
        return ("" if self.language == "zh" else " ").join(parts)


def step_name(plan: Plan, code: str, playbook: str | None = None) -> Text:
    """The name of a step in both languages: as its playbook has it, else the first that has one; else its code."""
    ordered = sorted(plan.playbooks, key=lambda one: one.code != playbook)
    found = (step for one in ordered if (step := one.step(code)) is not None)
    step = next(found, None)
    return Text(zh=code, en=code) if step is None else step.name
