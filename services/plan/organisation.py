"""Who there is: members of staff, the groups that they are in, and as what."""

from __future__ import annotations

from dataclasses import dataclass

from pydantic import EmailStr, Field

from services.plan.values import Code, Count, Entry, Flag, Sentence, Slug, Text
from services.plan.vocabulary import GroupKind, Language, Role


class Skills(Entry):
    """What a person is best at. An empty list: no more and no less than others."""

    services: tuple[Code, ...] = ()
    subcategories: tuple[Code, ...] = ()
    regions: tuple[Sentence, ...] = ()


class Person(Entry):
    """A member of staff.

    ``on_duty`` is where the rota starts; who is on duty now is kept elsewhere. ``shift`` is a calendar: outside its
    hours the person is off duty. ``capacity`` is how many cases they may have on hand before others are asked first.
    ``legal_counsel``: may make legal checks.
    """

    login: Slug
    name: Text
    title: Text
    email: EmailStr | None = None
    languages: tuple[Language, ...] = Field(min_length=1)
    on_duty: Flag
    shift: Code | None = None
    capacity: Count = 30
    skills: Skills = Skills()
    legal_counsel: Flag = False


class Group(Entry):
    """A group of the organisation. ``members`` leaves out the head and the deputy.

    ``kind`` tells the groups of the contingency plan from the departments that they work with. Its deadlines are
    counted on ``calendar``.
    """

    code: Code
    kind: GroupKind = "response"
    calendar: Code
    name: Text
    head: Slug
    deputy: Slug | None = None
    members: tuple[Slug, ...] = ()
    duties: tuple[Text, ...] = Field(min_length=1)


@dataclass(frozen=True, slots=True)
class Membership:
    """A person in a group, and as what."""

    person: Person
    role: Role
