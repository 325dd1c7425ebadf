"""The customer's page: where their complaint stands, and what they can do about it, without a login and without
JavaScript.

A form is answered by leading on to the page, so that reloading does nothing again; what is wrong is said next to the
form, with what was written still in it.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from types import MappingProxyType
from typing import Final
from urllib.parse import quote
from uuid import UUID

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from intake_api.attachments import Attacher
from intake_api.customer_actions import CustomerActions, Slip
from intake_api.customer_pages import CustomerPages, asked_language, is_from_elsewhere, kept_language
from intake_api.form_words import FORM_WORDS
from intake_api.forms import MIB, Form, reading
from intake_api.track_forms import FormName, Forms, Refusal, conflict, forms_of
from intake_api.track_view import page_of
from intake_api.track_words import WORDS
from intake_api.tracked import Tracked, TrackedCase, find, read
from services.base.errors import Unavailable, WrongState
from services.base.failures import is_passing
from services.base.privacy import Privacy
from services.casework import attaching
from services.notices.ways import EMAIL, SMS
from services.plan.telling import Attachments
from web.validation import Malformed

log = logging.getLogger(__name__)

Act = Callable[[CustomerActions, TrackedCase, Form], Awaitable[str]]
"""Does what a form asks for; returns what was done, for the address that it leads on to."""

_READING: Final = ["GET", "HEAD"]
# Forms of one case that are read at the same time. Nobody sends more, and each may lie on the disk while it comes.
_MOST_AT_ONCE: Final = 4


def track_router(attacher: Attacher, privacy: Privacy) -> APIRouter:
    """``/track/{token}`` and its forms. ``?lang=zh|en`` shows a page in a language other than the customer's."""
    router = APIRouter(include_in_schema=False)
    site = _Site(attacher, privacy)

    @router.api_route("/track/{token}", methods=_READING)
    async def page(token: str, request: Request) -> Response:
        return await site.show(token, request)

    @router.api_route("/track/{token}/{form}", methods=_READING)
    async def page_of_form(token: str, form: str, request: Request) -> Response:
        if form == "withdraw":
            return await site.show(token, request, "withdraw")
        # Where a form was refused, opening its address anew leads back to the page.
        known = form in _ACTS
        return (
            site.pages.on_to(f"/track/{quote(token)}{kept_language(request)}")
            if known
            else site.pages.sorry("not_found")
        )

    @router.post("/track/{token}/{form}")
    async def take(token: str, form: str, request: Request) -> Response:
        known = _ACTS.get(form)
        return site.pages.sorry("not_found") if known is None else await site.take(token, request, *known)

    return router


async def _write(actions: CustomerActions, case: TrackedCase, form: Form) -> str:
    if form.too_large:
        raise Slip("file_too_large", "file")
    await actions.write(case, form.fields.get("text", ""), form.file)
    return "sent"


async def _withdraw(actions: CustomerActions, case: TrackedCase, form: Form) -> str:
    await actions.withdraw(case, form.fields.get("text", ""))
    return "withdrawn"


async def _reopen(actions: CustomerActions, case: TrackedCase, form: Form) -> str:
    await actions.reopen(case, form.fields.get("text", ""))
    return "reopened"


async def _tell(actions: CustomerActions, case: TrackedCase, form: Form) -> str:
    way = form.fields.get("way")
    if way not in (SMS, EMAIL):
        raise Malformed("the form names no way")
    stops = form.fields.get("want") == "stop"
    await (actions.stop if stops else actions.allow)(case, way)
    return "stopped" if stops else "allowed"


# The last part of the address -> the form that what is wrong is said at, and what it does.
_ACTS: Final[Mapping[str, tuple[FormName, Act]]] = MappingProxyType(
    {
        "messages": ("messages", _write),
        "withdraw": ("withdraw", _withdraw),
        "reopen": ("reopen", _reopen),
        "telling": ("messages", _tell),
    }
)


class _Site:
    def __init__(self, attacher: Attacher, privacy: Privacy) -> None:
        self.attacher = attacher
        self.privacy = privacy
        self.pages = CustomerPages()
        self.actions = CustomerActions(attacher, privacy)
        self._coming: Counter[UUID] = Counter()

    async def show(
        self, token: str, request: Request, form: FormName | None = None, refusal: Refusal | None = None
    ) -> Response:
        """The page of a case, or with ``form`` that of the form, where it is possible."""
        try:
            async with self.attacher.engine.connect() as connection:
                case = await find(connection, self.privacy, token)
                if case is None:
                    return self.pages.sorry("not_found")
                tracked = await read(connection, self.privacy, self.attacher.plans, case)
                limits = await attaching.limits(connection, self.attacher.plans)
        except Exception as error:
            return self._unavailable(error, None if refusal is None else {"text": refusal.text})
        return self._shown(token, request, tracked, limits, form, refusal)

    async def take(self, token: str, request: Request, name: FormName, act: Act) -> Response:
        """Do what a form asks for, and lead on to the page; or show what is wrong with it."""
        if is_from_elsewhere(request):
            return self.pages.sorry("elsewhere")
        try:
            async with self.attacher.engine.connect() as connection:
                case = await find(connection, self.privacy, token)
                largest = (await attaching.limits(connection, self.attacher.plans)).largest
        except Exception as error:
            return await self._not_taken(request, error)
        if case is None:
            return self.pages.sorry("not_found")
        if self._coming[case.id] >= _MOST_AT_ONCE:
            return self.pages.sorry("unavailable")
        self._coming[case.id] += 1
        try:
            async with reading(request, largest * MIB) as form:
                return await self._done(token, request, case, name, form, act)
        except Malformed:
            return self.pages.sorry("unreadable")
        finally:
            self._coming -= Counter((case.id,))

    async def _not_taken(self, request: Request, failure: Exception) -> Response:
        """The case can't be looked up now, so the form is only read to be handed back."""
        try:
            async with reading(request, 0) as form:
                return self._unavailable(failure, form.fields)
        except Malformed:
            return self.pages.sorry("unreadable")

    async def _done(
        self, token: str, request: Request, case: TrackedCase, name: FormName, form: Form, act: Act
    ) -> Response:
        try:
            done = await act(self.actions, case, form)
        except Slip as error:
            slip = error
        except WrongState:
            return await self._overtaken(token, request, name, form)
        except Malformed:
            raise
        except Exception as error:
            return self._unavailable(error, form.fields)
        else:
            query = kept_language(request)
            return self.pages.on_to(f"/track/{token}{query}{'&' if query else '?'}done={done}")
        return await self._refused(token, request, name, form, slip)

    async def _overtaken(self, token: str, request: Request, name: FormName, form: Form) -> Response:
        """The case has moved on since its page was opened."""
        try:
            async with self.attacher.engine.connect() as connection:
                case = await find(connection, self.privacy, token)
        except Exception as error:
            return self._unavailable(error, form.fields)
        if case is None:
            return self.pages.sorry("not_found")
        return await self._refused(token, request, name, form, conflict(name, case))

    async def _refused(self, token: str, request: Request, name: FormName, form: Form, slip: Slip) -> Response:
        refusal = Refusal(name, slip, form.fields.get("text", ""), form.file is not None or form.too_large)
        return await self.show(token, request, "withdraw" if name == "withdraw" else None, refusal)

    def _shown(
        self,
        token: str,
        request: Request,
        tracked: Tracked,
        limits: Attachments,
        form: FormName | None,
        refusal: Refusal | None,
    ) -> Response:
        language, now = asked_language(request, tracked.case.language), self.attacher.clock()
        forms: Forms = forms_of(
            tracked,
            limits,
            f"/track/{token}",
            kept_language(request),
            language,
            now,
            refusal=refusal,
            done=request.query_params.get("done"),
        )
        if form == "withdraw" and not forms.withdraw and refusal is None:
            return self.pages.on_to(forms.address + forms.query)
        values = {
            "page": page_of(tracked, language, now),
            "words": WORDS[language],
            "forms": forms,
            "say": FORM_WORDS[language],
        }
        template = "withdraw.html" if form == "withdraw" and forms.withdraw else "track.html"
        return self.pages.page(template, language, values, 200 if refusal is None else refusal.status)

    def _unavailable(self, failure: Exception, again: Mapping[str, str] | None) -> Response:
        """Not now; what was filled in is handed back to be sent again. Raises a failure that will not pass."""
        if not isinstance(failure, Unavailable) and not is_passing(failure):
            raise failure
        log.warning("a customer's page can't be served now: %s", failure)
        return self.pages.sorry("unavailable" if again is None else "not_taken", again)
