"""The one place where programs are put together from settings: engine, streams, handlers, apps.

Nothing here decides what a complaint is; it only says who is given what. The five programs are imported where they
are built, so that each process loads only what it runs.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import cached_property
from typing import TYPE_CHECKING, Final, Literal

from sqlalchemy.ext.asyncio import AsyncEngine

from redress.supervising import Part, Supervised
from services.base.database import create_engine
from services.base.errors import Misconfigured
from services.base.files.receiving import FileDoor
from services.base.files.scanning import Scanner
from services.base.files.store import file_store
from services.base.privacy import Privacy
from services.base.settings import Settings
from services.base.stream.bell import Bell
from services.base.stream.database import DatabaseStream
from services.base.stream.kafka import KafkaStream
from services.base.stream.port import EventStream
from services.base.stream.relay import Relay
from services.base.worker.loop import Handler, Worker
from services.casework.directives import events as directive_events
from services.casework.tasks import events as task_events
from services.complaints import events as complaint_events
from services.notices import events as notice_events
from services.people.keys import KeyRing
from services.plan.versions import Plans

if TYPE_CHECKING:
    from starlette.types import ASGIApp

    from services.judgements.judges import Judges

WorkerName = Literal["classifier", "handler", "notifier"]
WORKERS: Final[tuple[WorkerName, ...]] = ("classifier", "handler", "notifier")
TOPICS: Final = frozenset(
    event.TOPIC
    for events in (complaint_events, notice_events, task_events, directive_events)
    for event in events.EVENTS
)


class Composition:
    """What one process needs, made when it is first asked for. `opened` makes one and closes it."""

    def __init__(self, settings: Settings, application: str) -> None:
        self.settings = settings
        self.bell = Bell()
        self.plans = Plans()
        self._application = application

    @cached_property
    def database_url(self) -> str:
        if self.settings.database_url is None:
            raise Misconfigured("REDRESS_DATABASE_URL is not set; write postgresql://user:password@host/name")
        return self.settings.database_url

    @cached_property
    def engine(self) -> AsyncEngine:
        return create_engine(self.database_url, pool_size=self.settings.database_pool, application=self._application)

    @cached_property
    def privacy(self) -> Privacy:
        if self.settings.secret is None:
            raise Misconfigured(
                "REDRESS_SECRET is not set; make one with `openssl rand -hex 32`, give all programs the same, "
                "and keep it for good"
            )
        return Privacy(self.settings.secret.get_secret_value())

    @cached_property
    def key_ring(self) -> KeyRing:
        return KeyRing(self.engine)

    @cached_property
    def files(self) -> FileDoor:
        """Takes in what customers send, and gives it out again."""
        settings = self.settings
        store = file_store(settings.files_url or (settings.home.absolute() / "files").as_uri())
        return FileDoor(store, None if settings.scan_command is None else Scanner(settings.scan_command))

    @cached_property
    def judges(self) -> Judges:
        """Who judges complaints, by the plan and the model in force."""
        from services.judgements.judges import Judges
        from services.judgements.models import CategoryModels

        return Judges(self.plans, CategoryModels())

    @cached_property
    def stream(self) -> EventStream:
        """Where the workers read events."""
        servers = self.settings.kafka_servers
        return self.log if servers is None else KafkaStream(servers)

    @cached_property
    def log(self) -> DatabaseStream:
        """The event log in the database, whatever carries the events from there."""
        settings = self.settings
        return DatabaseStream(self.database_url, shares=settings.shares, bell=self.bell, pause=settings.poll_ms / 1000)

    def handler(self, name: WorkerName) -> Handler:
        """The handler of a worker."""
        match name:
            case "classifier":
                from classifier_worker.handler import ClassifierHandler

                return ClassifierHandler(self.judges, self.privacy)
            case "handler":
                from handler_worker.handler import DispatchHandler

                return DispatchHandler(self.plans)
            case "notifier":
                from notifier_worker.handler import NotifierHandler
                from notifier_worker.senders import ways_open

                return NotifierHandler(self.plans, self.privacy, lambda realm: ways_open(self.settings, realm))

    def worker(self, name: WorkerName) -> list[Supervised]:
        """A worker's parts: its consumer, for the notifier also what speaks to the outside, for the handler its clock.

        Raises `Misconfigured` when a setting that it needs is missing.
        """
        handler = self.handler(name)
        parts = [Supervised(name, lambda: self._consumer(handler))]
        if name == "notifier":
            parts.append(Supervised("sender", self._senders))
        if name == "handler":
            parts.append(Supervised("timekeeper", self._timekeeper))
        return parts

    def relay(self) -> Supervised:
        """What carries the log to Kafka. Raises `Misconfigured` where events do not travel on Kafka."""
        servers = kafka_servers(self.settings)
        return Supervised("relay", lambda: Relay(self.log, servers))

    def intake(self) -> ASGIApp:
        """The application that takes complaints in."""
        from intake_api.app import create_app
        from intake_api.writer import Writer

        settings = self.settings
        writer = Writer(
            self.database_url, connections=settings.intake_writers, queue=settings.intake_queue, bell=self.bell
        )
        return create_app(
            engine=self.engine,
            privacy=self.privacy,
            plans=self.plans,
            judges=self.judges,
            key_ring=self.key_ring,
            writer=writer,
            files=self.files,
            public_url=settings.public_url,
            bell=self.bell,
        )

    def desk(self) -> ASGIApp:
        """The staff's application."""
        from desk.app import create_app

        return create_app(
            engine=self.engine,
            privacy=self.privacy,
            plans=self.plans,
            key_ring=self.key_ring,
            files=self.files,
            public_url=self.settings.public_url,
            bell=self.bell,
        )

    async def close(self) -> None:
        """Let go of connections."""
        if "stream" in self.__dict__:
            await self.stream.close()
        if "engine" in self.__dict__:
            await self.engine.dispose()

    def _consumer(self, handler: Handler) -> Part:
        return Worker(
            self.engine,
            self.stream.reader(handler.group, handler.types),
            handler,
            batch_size=self.settings.batch_size,
            attempts=self.settings.attempts,
            bell=self.bell,
        )

    def _timekeeper(self) -> Part:
        from handler_worker.timekeeper import Timekeeper

        return Timekeeper(self.engine, self.plans, self.bell)

    def _senders(self) -> Part:
        from notifier_worker.senders import Outside

        outside = Outside(self.engine, self.privacy, self.plans, self.settings, files=self.files, bell=self.bell)
        return outside.senders()


@asynccontextmanager
async def opened(settings: Settings, application: str = "redress") -> AsyncIterator[Composition]:
    """A composition for as long as the block runs."""
    composition = Composition(settings, application)
    try:
        yield composition
    finally:
        await composition.close()


def kafka_servers(settings: Settings) -> str:
    """``host:port,…``. Raises `Misconfigured` where events do not travel on Kafka."""
    if settings.kafka_servers is None:
        raise Misconfigured(f"REDRESS_EVENTS is '{settings.events}'; write kafka://host:port to have events on Kafka")
    return settings.kafka_servers
