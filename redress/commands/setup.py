"""The commands that run once before the programs: the database's tables and plan, Kafka's topics."""

from __future__ import annotations

import asyncio

import typer

from redress.commands.common import settings_for, with_composition

topics = typer.Typer(help="Kafka's topics.", no_args_is_help=True)


def add_to(app: typer.Typer) -> None:
    """Add the commands."""
    app.command()(migrate)
    app.add_typer(topics, name="topics")


def migrate() -> None:
    """Bring the database up to date: its tables, the plan in force, and everybody on its staff."""
    from redress.bringing_up import Brought, bring_up, read_plan
    from redress.composition import Composition

    async def work(composition: Composition) -> Brought:
        text, plan = read_plan(composition.settings.plan)
        return await bring_up(composition.engine, text, plan)

    brought = with_composition(None, work)
    typer.echo(
        f"The database is at revision {brought.revision}; version {brought.plan_version} of the plan is in force."
    )


@topics.callback()
def about_topics() -> None:
    """Kafka's topics."""


@topics.command()
def ensure() -> None:
    """Create the topics that are not there yet; existing ones are left as they are."""
    from redress.composition import TOPICS, kafka_servers
    from services.base.stream.kafka import ensure_topics

    settings = settings_for()
    created = asyncio.run(
        ensure_topics(
            kafka_servers(settings),
            TOPICS,
            partitions=settings.topic_partitions,
            replication=settings.topic_replication,
        )
    )
    for topic, is_new in created.items():
        typer.echo(f"{topic}: {'created' if is_new else 'is there'}")
