"""What speaks to the outside for one notifier: its senders, put together from the settings and run as one."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Sequence
from typing import Final, Protocol

from sqlalchemy.ext.asyncio import AsyncEngine

from notifier_worker.mail_door import MailDoor
from services.base.errors import Misconfigured
from services.base.files.receiving import FileDoor
from services.base.privacy import Privacy
from services.base.settings import Settings
from services.base.stream.bell import Bell
from services.base.stream.event import REALMS
from services.notices.arrivals.listening import Arrivals
from services.notices.channels.files import Files
from services.notices.channels.mail import Mailer
from services.notices.channels.port import Channel, Way
from services.notices.channels.sms import Sms
from services.notices.channels.smtp import Smtp
from services.notices.channels.webhook import Webhook
from services.notices.sending import Sender
from services.notices.staff.sending import StaffAlerts
from services.notices.ways import WAYS
from services.plan.versions import Plans

LIVE: Final = ("live",)
_UNHURRIED: Final = 1.0
UNREAL: Final = tuple(realm for realm in REALMS if realm not in LIVE)


class Running(Protocol):
    """Something that works until it is asked to stop."""

    @property
    def last_sign_of_life(self) -> float:
        """When it last looked for work, on the monotonic clock."""

    async def run(self) -> None:
        """Work until `stop`."""

    def stop(self) -> None:
        """Ask it to finish what it has begun."""


class Senders:
    """Several that begin and end together."""

    def __init__(self, parts: Sequence[Running]) -> None:
        self._parts = tuple(parts)

    @property
    def last_sign_of_life(self) -> float:
        """When the quietest of them last looked for work, on the monotonic clock."""
        return min(part.last_sign_of_life for part in self._parts)

    async def run(self) -> None:
        """Send until `stop`; when one fails, the others end and the failure is raised."""
        async with asyncio.TaskGroup() as tasks:
            for part in self._parts:
                tasks.create_task(part.run())

    def stop(self) -> None:
        """Ask all of them to finish what they have begun."""
        for part in self._parts:
            part.stop()


class Outside:
    """Puts together what runs beside the notifier's worker, one sender for each channel that is set up.

    The notices of drills and of the sandbox are kept as files, whatever is set up: nobody real is told of what isn't.
    """

    def __init__(
        self,
        engine: AsyncEngine,
        privacy: Privacy,
        plans: Plans,
        settings: Settings,
        *,
        files: FileDoor,
        bell: Bell | None = None,
    ) -> None:
        """``files`` takes in what customers send with their mails. Raises `Misconfigured`."""
        self._engine = engine
        self._privacy = privacy
        self._plans = plans
        self._settings = settings
        self._bell = bell
        self._mailer = Mailer.from_setting(settings.mail_from, settings.mail_answers, privacy)
        self._arrivals = Arrivals(engine, plans, privacy, files=files, bell=bell)

    def senders(self) -> Senders:
        """All of it. Raises `Misconfigured`."""
        settings = self._settings
        files = Files(settings.mail_dir or settings.home / "mail", self._mailer)
        parts = [self._sender(files, realms=UNREAL, ways=WAYS), self._mail(files), self._sender(self._webhook())]
        if settings.smpp_url is not None:
            parts.append(self._sender(self._sms(settings.smpp_url.get_secret_value()), answerable=True))
        return Senders([*parts, *self._mail_door(), *self._staff_alerts()])

    def _sender(
        self,
        channel: Channel,
        *,
        realms: Collection[str] = LIVE,
        ways: Collection[Way] | None = None,
        answerable: bool = False,
    ) -> Running:
        return Sender(
            self._engine,
            self._privacy,
            self._plans,
            channel,
            public_url=self._settings.public_url,
            ways=ways,
            realms=realms,
            answerable=answerable,
            # The bell wakes it for what this notifier writes; nobody waits for what is kept of a drill.
            poll=self._settings.poll_ms / 1000 if realms is LIVE else _UNHURRIED,
            bell=self._bell,
        )

    def _mail(self, files: Files) -> Running:
        settings = self._settings
        if settings.smtp_url is None:
            return self._sender(files)
        smtp = Smtp(settings.smtp_url.get_secret_value(), self._mailer, lines=settings.mail_connections)
        return self._sender(smtp, answerable=settings.mail_answers is not None)

    def _sms(self, url: str) -> Channel:
        settings = self._settings
        return Sms(
            url,
            sender=settings.sms_sender,
            per_second=settings.sms_per_second,
            window=settings.sms_window,
            listener=self._arrivals,
        )

    def _webhook(self) -> Channel:
        settings = self._settings
        return Webhook(
            self._engine,
            self._privacy,
            connections=settings.webhook_connections,
            networks=settings.webhook_networks,
        )

    def _mail_door(self) -> list[Running]:
        settings = self._settings
        if settings.mail_listen is None:
            return []
        if settings.mail_answers is None:
            raise Misconfigured(
                "REDRESS_MAIL_LISTEN is set and REDRESS_MAIL_ANSWERS is not; write the address that answers go to, "
                "such as care@example.com"
            )
        return [MailDoor(settings.mail_listen, self._arrivals, settings.mail_answers)]

    def _staff_alerts(self) -> list[Running]:
        settings = self._settings
        if settings.staff_alerts is None:
            return []
        poll = settings.poll_ms / 1000
        return [
            StaffAlerts(
                self._engine,
                self._plans,
                settings.staff_alerts,
                public_url=settings.public_url,
                poll=poll,
                bell=self._bell,
            )
        ]


def ways_open(settings: Settings, realm: str) -> tuple[Way, ...]:
    """The ways that are set up, for a realm: in drills and the sandbox all of them, since they end in files."""
    if realm not in LIVE:
        return WAYS
    return ("email", "sms", "webhook") if settings.smpp_url is not None else ("email", "webhook")
