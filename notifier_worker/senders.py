"""What speaks to the outside for one notifier: its senders, put together from the settings and run as one."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Final

from sqlalchemy.ext.asyncio import AsyncEngine

from services.base.privacy import Privacy
from services.base.settings import Settings
from services.base.stream.bell import Bell
from services.base.stream.event import REALMS
from services.notices.mail import Mailer
from services.notices.sending import Sender
from services.notices.transports import Files, Smtp, Transport

# Files wait for nobody; more of them at once only means that more are written in one go.
_FILE_CHANNELS: Final = 32


class Senders:
    """Several senders that begin and end together."""

    def __init__(self, senders: Sequence[Sender]) -> None:
        self._senders = tuple(senders)

    @property
    def last_sign_of_life(self) -> float:
        """When the quietest of them last looked for work, on the monotonic clock."""
        return min(sender.last_sign_of_life for sender in self._senders)

    async def run(self) -> None:
        """Send until `stop`; when one fails, the others end and the failure is raised."""
        async with asyncio.TaskGroup() as tasks:
            for sender in self._senders:
                tasks.create_task(sender.run())

    def stop(self) -> None:
        """Ask all of them to finish what they have begun."""
        for sender in self._senders:
            sender.stop()


def create_senders(engine: AsyncEngine, privacy: Privacy, settings: Settings, bell: Bell | None = None) -> Senders:
    """The senders to run beside the notifier's worker.

    With a mail server the notices of drills and of the sandbox are kept as files all the same: nobody real is told of
    what isn't. Raises `Misconfigured`.
    """
    mailer = Mailer.from_setting(settings.mail_from)
    files = Files(settings.mail_dir or settings.home / "mail")

    def sender(transport: Transport, connections: int, *realms: str) -> Sender:
        return Sender(
            engine,
            privacy,
            transport,
            mailer,
            public_url=settings.public_url,
            realms=realms,
            connections=connections,
            poll=settings.poll_ms / 1000,
            bell=bell,
        )

    if settings.smtp_url is None:
        return Senders([sender(files, _FILE_CHANNELS, *REALMS)])
    server = Smtp(settings.smtp_url.get_secret_value(), mailer.address)
    unreal = [realm for realm in REALMS if realm != "live"]
    return Senders([sender(server, settings.mail_connections, "live"), sender(files, 1, *unreal)])
