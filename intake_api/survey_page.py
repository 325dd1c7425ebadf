"""The survey's page: how satisfied the customer is, and whether it was solved, asked without a login and without
JavaScript.

Only sending the form answers: mail programs open links before people do. Whoever answers twice is thanked twice, and
their first answer counts.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final
from uuid import UUID

import sqlalchemy as sa
from fastapi import APIRouter
from pydantic import ValidationError
from starlette.requests import Request
from starlette.responses import Response

from intake_api.attachments import Attacher
from intake_api.customer_pages import CustomerPages, asked_language, is_from_elsewhere, kept_language
from intake_api.forms import reading
from intake_api.survey_words import SURVEY_WORDS, SurveyWords
from intake_api.track_view import shown
from intake_api.tracked import plan_of
from services.base.errors import WrongState
from services.base.failures import is_passing
from services.base.privacy import Privacy
from services.complaints.model import Complaint
from services.plan.schema import Plan
from services.plan.vocabulary import Language
from services.surveys.commands import LONGEST_COMMENT, Answer, answer
from services.surveys.model import Survey
from services.surveys.queries import SurveyView, find
from web.validation import Malformed

log = logging.getLogger(__name__)

_READING: Final = ["GET", "HEAD"]
_GONE: Final = 410
_WRONG: Final = 422
_SOLVED: Final[Mapping[str, bool]] = MappingProxyType({"yes": True, "no": False})
# What follows from an answer, and the track page that tells of it.
_CAME_OF_IT: Final = (
    sa.select(Survey.follow_up, Survey.complaint_id, Complaint.track_epoch)
    .join(Complaint, Complaint.id == Survey.complaint_id)
    .where(Survey.id == sa.bindparam("survey", type_=sa.Uuid))
)


@dataclass(frozen=True, slots=True)
class Found:
    """A survey that the link opens, and its plan. ``came_of_it`` is set once it was answered."""

    survey: SurveyView
    plan: Plan
    came_of_it: sa.Row[str | None, UUID, int] | None


def survey_router(attacher: Attacher, privacy: Privacy) -> APIRouter:
    """``/survey/{token}``. ``?lang=zh|en`` shows it in a language other than the customer's."""
    router = APIRouter(include_in_schema=False)
    site = _Site(attacher, privacy)

    @router.api_route("/survey/{token}", methods=_READING)
    async def page(token: str, request: Request) -> Response:
        try:
            found = await site.found(token)
        except Exception as error:
            return site.unavailable(error, None)
        return site.pages.sorry("no_survey") if found is None else site.show(found, request)

    @router.post("/survey/{token}")
    async def take(token: str, request: Request) -> Response:
        if is_from_elsewhere(request):
            return site.pages.sorry("elsewhere")
        try:
            async with reading(request, 0) as form:
                return await site.take(token, request, form.fields)
        except Malformed:
            return site.pages.sorry("unreadable")

    return router


class _Site:
    def __init__(self, attacher: Attacher, privacy: Privacy) -> None:
        self._engine = attacher.engine
        self._plans = attacher.plans
        self._bell = attacher.bell
        self._clock = attacher.clock
        self._privacy = privacy
        self.pages = CustomerPages()

    async def found(self, token: str) -> Found | None:
        """None for a token that was never ours, or a survey that the customer was never sent."""
        async with self._engine.connect() as connection:
            survey = await find(connection, self._privacy, token)
            if survey is None or survey.status == "planned":
                return None
            plan = await plan_of(connection, self._plans, survey.plan_version)
            answered = survey.status == "answered"
            came = (await connection.execute(_CAME_OF_IT, {"survey": survey.id})).one() if answered else None
        return Found(survey, plan, came)

    async def take(self, token: str, request: Request, fields: Mapping[str, str]) -> Response:
        """Keep the answer and lead on to the thanks; or show what is missing, with what was chosen."""
        query = kept_language(request)
        try:
            found = await self.found(token)
            if found is None:
                return self.pages.sorry("no_survey")
            given, wrong = _read(fields)
            if given is None:
                return self.show(found, request, fields, wrong)
            async with self._engine.begin() as connection:
                await answer(connection, self._plans, found.survey.id, given, self._clock())
        except WrongState:
            # Answered otherwise before, or too late by now: the page says which.
            return self.pages.on_to(f"/survey/{token}{query}{'&' if query else '?'}done=before")
        except Exception as error:
            return self.unavailable(error, fields)
        self._bell.ring()
        return self.pages.on_to(f"/survey/{token}{query}")

    def show(
        self,
        found: Found,
        request: Request,
        fields: Mapping[str, str] | None = None,
        wrong: Mapping[str, tuple[str, Mapping[str, object]]] | None = None,
    ) -> Response:
        """The questions while they can be answered, else what became of the survey."""
        survey, plan = found.survey, found.plan
        language = asked_language(request, survey.language)
        words = SURVEY_WORDS[language]
        known = {"operator": plan.plan.operator.in_language(language), "words": words, "reference": survey.reference}
        if survey.status == "answered":
            return self._thanks(found, request, language, known)
        if not survey.is_open(self._clock()):
            gone = "cancelled" if survey.status == "cancelled" else "expired"
            title, text = getattr(words, gone), getattr(words, f"{gone}_text")
            text = text.format(reference=survey.reference)
            return self.pages.page("ended.html", language, {**known, "title": title, "text": text}, _GONE)
        values = {
            **known,
            "until": None if survey.expires_at is None else shown(survey.expires_at, plan, language),
            "scores": list(enumerate(words.scores, start=1)),
            "most": LONGEST_COMMENT,
            "chosen": fields or {},
            "wrong": {name: words.wrong[code].format_map(said) for name, (code, said) in (wrong or {}).items()},
        }
        return self.pages.page("survey.html", language, values, _WRONG if wrong else 200)

    def unavailable(self, failure: Exception, again: Mapping[str, str] | None) -> Response:
        """Not now; what was filled in is handed back to be sent again. Raises a failure that will not pass."""
        if not is_passing(failure):
            raise failure
        log.warning("a survey's page can't be served now: %s", failure)
        return self.pages.sorry("unavailable" if again is None else "not_taken", again)

    def _thanks(self, found: Found, request: Request, language: Language, known: Mapping[str, object]) -> Response:
        survey, came, words = found.survey, found.came_of_it, SURVEY_WORDS[language]
        assert came is not None
        address = None
        if came.follow_up == "reopened":
            address = f"/track/{self._privacy.track_token(came.complaint_id, came.track_epoch)}{kept_language(request)}"
        values = {
            **known,
            "noted": _noted(survey, words),
            "follow_up": came.follow_up,
            "address": address,
            "before": request.query_params.get("done") == "before",
        }
        return self.pages.page("thanks.html", language, values)


def _read(fields: Mapping[str, str]) -> tuple[Answer | None, dict[str, tuple[str, Mapping[str, object]]]]:
    """The answer in a form; or for each field that is wrong a code, with the values for its words."""
    wrong: dict[str, tuple[str, Mapping[str, object]]] = {}
    score, solved = fields.get("satisfaction", ""), _SOLVED.get(fields.get("solved", ""))
    if score not in ("1", "2", "3", "4", "5"):
        wrong["satisfaction"] = ("satisfaction", {})
    if solved is None:
        wrong["solved"] = ("solved", {})
    comment = fields.get("text", "").replace("\r\n", "\n").strip()
    try:
        # What is missing is known already; the comment is looked at all the same, so that all is said at once.
        given = Answer(satisfaction=3 if "satisfaction" in wrong else int(score), solved=bool(solved), comment=comment)
    except ValidationError as error:
        code = "too_long" if error.errors()[0]["type"] == "string_too_long" else "control_character"
        wrong["text"] = (code, {"count": len(comment), "most": LONGEST_COMMENT})
    return (None if wrong else given), wrong


def _noted(survey: SurveyView, words: SurveyWords) -> str:
    score = words.scores[(survey.satisfaction or 1) - 1]
    return words.noted.format(score=score, solved=words.noted_yes if survey.solved else words.noted_no)
