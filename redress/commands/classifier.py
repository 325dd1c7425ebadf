"""The commands about judging: what a text would be judged and why, how good a model is, making and choosing one."""

from __future__ import annotations

import getpass
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from redress.commands.common import AsJson, Home, print_json, settings_for, with_composition

if TYPE_CHECKING:
    from redress.composition import Composition
    from services.judgements.artefact import Artefact
    from services.judgements.linear import LinearModel
    from services.judgements.training.learning import Learned
    from services.judgements.values import Reason
    from services.plan.schema import Plan

app = typer.Typer(help="Judging complaints: explain, measure, train, promote.", no_args_is_help=True)

ModelFile = Annotated[
    Path | None, typer.Option("--model", help="A model's file. [default: the one that is shipped with this release]")
]


@app.callback()
def about() -> None:
    """Judging complaints."""


@app.command()
def explain(
    text: Annotated[str, typer.Argument(help="What a customer wrote; - reads it from standard input.")],
    model: ModelFile = None,
    service: Annotated[str, typer.Option(help="The service that it is about.")] = "other",
    channel: Annotated[str, typer.Option(help="The way it came in.")] = "web",
    as_json: AsJson = False,
) -> None:
    """What a text would be judged, and the words that spoke for it. Needs no database."""
    from dataclasses import asdict

    from services.base.masking import mask
    from services.judgements.judge import Judge
    from services.judgements.values import Facts

    plan = _plan()
    loaded, _ = _model(model)
    words = sys.stdin.read() if text == "-" else text
    masked = mask(words)
    judgement = Judge(plan, loaded).judge(masked, Facts(service_type=service, channel=channel))
    if as_json:
        print_json(asdict(judgement))
        return
    _print_judgement(judgement, masked, plan)


@app.command()
def evaluate(
    file: Annotated[Path, typer.Argument(help="Complaints, one a line, as they are posted.")],
    labels: Annotated[
        Path | None,
        typer.Option(help="Their categories by external_id. [default: category stands in the complaints]"),
    ] = None,
    model: ModelFile = None,
    wrong: Annotated[bool, typer.Option("--wrong", help="Also list what was judged wrongly.")] = False,
    as_json: AsJson = False,
) -> None:
    """How good the judgements of a file of complaints are. Needs no database."""
    from services.base.errors import Invalid
    from services.judgements.judge import Judge
    from services.judgements.training.files import read_complaints
    from services.judgements.training.learning import as_json as measures_json
    from services.judgements.training.measuring import Labelled, measure
    from services.judgements.training.tables import measures_table

    loaded, _ = _model(model)
    cases = [case for case in read_complaints(file, labels) if case.label is not None]
    if not cases:
        raise Invalid(f"no complaint in {file} has a category; name the file that holds them with --labels")
    judgements = Judge(_plan(), loaded).judge_many([case.text for case in cases], [case.facts for case in cases])
    judged = [
        Labelled.of(str(case.label), judgement, case.language, case.also)
        for case, judgement in zip(cases, judgements, strict=True)
    ]
    measures = measure(judged)
    if as_json:
        print_json({name: measures_json(one) for name, one in measures.items()})
        return
    typer.echo(loaded.name)
    _print_lines(measures_table(measures))
    if wrong:
        for case, judgement in zip(cases, judgements, strict=True):
            if judgement.best_guess != case.label:
                typer.echo(
                    f"\n{case.label}, judged {judgement.best_guess} ({judgement.confidence:.2f}): {case.text}\n"
                    f"    {_said(judgement.reasons)}"
                )


@app.command()
def train(
    from_cases: Annotated[
        bool,
        typer.Option("--from-cases", help="Learn from corrected and confirmed cases, too, and keep the model."),
    ] = False,
    out: Annotated[Path | None, typer.Option(help="Write the model to this file.")] = None,
    home: Home = None,
) -> None:
    """Make a category model. It takes a few minutes; nothing changes until `promote` puts the model in force.

    Without --from-cases it learns from the corpus that is shipped and needs no database; name a file with --out.
    """
    from services.base.errors import Invalid
    from services.judgements.training.learning import learn_corpus

    if from_cases:
        learned = with_composition(home, _learn_from_cases)
    else:
        if out is None:
            raise Invalid("say with --out where the model goes, or learn --from-cases and have it kept in the database")
        typer.echo("Learning from the corpus…", err=True)
        learned = learn_corpus()
    _print_learned(learned)
    if out is not None:
        _write(out, learned.artefact.content)
        typer.echo(f"\nWritten to {out} ({len(learned.artefact.content):,} bytes).")


@app.command("list")
def list_models(home: Home = None, as_json: AsJson = False) -> None:
    """The models in the database, the newest first, and which of them is in force."""
    from rich.console import Console
    from rich.table import Table

    from services.judgements.models import StoredModel, stored

    async def work(composition: Composition) -> list[StoredModel]:
        async with composition.engine.connect() as connection:
            return await stored(connection)

    models = with_composition(home, work)
    if as_json:
        print_json(models)
        return
    table = Table(box=None, pad_edge=False)
    for column in ("MODEL", "ORIGIN", "MADE", "LEARNED FROM", "IN FORCE"):
        # A name is there to be copied; what is told beside it may break.
        table.add_column(column, no_wrap=column == "MODEL", min_width=19 if column == "MODEL" else None)
    for one in models:
        told = f"{one.about.get('corrections', 0)} corrections, {one.about.get('confirmed', 0)} confirmed"
        table.add_row(
            one.name,
            one.origin,
            f"{one.created_at:%Y-%m-%d %H:%M}",
            told if "corrections" in one.about else "corpus",
            f"since {one.in_force:%Y-%m-%d %H:%M}" if one.in_force else "",
        )
    Console().print(table)


@app.command()
def promote(
    name: Annotated[str | None, typer.Argument(help="[default: the newest that was trained or imported]")] = None,
    home: Home = None,
) -> None:
    """Put a model in force. Every process judges with it within seconds; cases that are judged stay as they are."""
    from services.base.errors import NotFound
    from services.judgements import models

    async def work(composition: Composition) -> str:
        async with composition.engine.begin() as connection:
            chosen = name
            if chosen is None:
                stored = await models.stored(connection)
                chosen = next((one.name for one in stored if one.origin != "shipped"), None)
            if chosen is None:
                raise NotFound("no model was trained here yet; make one with `redress classifier train --from-cases`")
            await models.promote(connection, chosen, _who())
            return chosen

    typer.echo(f"{with_composition(home, work)} is in force.")


@app.command()
def rollback(home: Home = None) -> None:
    """Take the last promotion back: the model that was in force before is so again."""
    from services.judgements import models

    async def work(composition: Composition) -> tuple[str, str]:
        async with composition.engine.begin() as connection:
            return await models.rollback(connection, _who())

    before, now = with_composition(home, work)
    typer.echo(f"{now} is in force again, in place of {before}.")


@app.command("import")
def import_model(file: Annotated[Path, typer.Argument(help="A model's file.")], home: Home = None) -> None:
    """Keep a model from a file, without putting it in force."""
    from services.judgements.models import store

    _, artefact = _model(file)

    async def work(composition: Composition) -> bool:
        async with composition.engine.begin() as connection:
            return await store(connection, artefact, "imported")

    kept = with_composition(home, work)
    typer.echo(
        f"{artefact.name} is kept; `redress classifier promote {artefact.name}` puts it in force."
        if kept
        else f"{artefact.name} is here already."
    )


@app.command()
def export(
    name: Annotated[str, typer.Argument(help="One of those that `redress classifier list` shows.")],
    file: Annotated[Path, typer.Argument(help="Where it goes.")],
    home: Home = None,
) -> None:
    """Write a model from the database to a file."""
    from services.judgements.models import content_of

    async def work(composition: Composition) -> bytes:
        async with composition.engine.connect() as connection:
            return await content_of(connection, name)

    content = with_composition(home, work)
    _write(file, content)
    typer.echo(f"Written to {file} ({len(content):,} bytes).")


async def _learn_from_cases(composition: Composition) -> Learned:
    import asyncio

    from services.judgements.models import CategoryModels, store
    from services.judgements.training.cases import learnable
    from services.judgements.training.learning import learn_cases

    async with composition.engine.connect() as connection:
        _, plan = await composition.plans.current(connection)
        in_force = await CategoryModels().current(connection)
        cases = await learnable(connection)
    typer.echo(f"Learning from the corpus and {len(cases)} cases…", err=True)
    # Minutes of computing: no connection is held meanwhile.
    learned = await asyncio.to_thread(learn_cases, cases, plan, in_force)
    comparison = None if learned.comparison is None else learned.comparison.told()
    async with composition.engine.begin() as connection:
        await store(connection, learned.artefact, "trained", comparison)
    return learned


def _print_learned(learned: Learned) -> None:
    from services.judgements.training.learning import FEW
    from services.judgements.training.tables import measures_table

    about = learned.artefact.about
    typer.echo(f"{learned.artefact.name}: {about['texts']:,} texts and phrases learned")
    if "corrections" in about:
        typer.echo(f"among them {about['corrections']} corrected and {about['confirmed']} confirmed cases")
    typer.echo("\nOn texts left out of learning, whole registers at a time:")
    _print_lines(measures_table(learned.validation))
    if "held_back" not in about:
        return
    if learned.comparison is None:
        typer.echo("\nNo case is held back for comparing yet, so nothing tells whether the new model is better.")
        return
    typer.echo(f"\nThe model in force, on {about['held_back']} cases that neither has learned:")
    _print_lines(measures_table(learned.comparison.before))
    typer.echo("\nThe new one, on the same cases:")
    _print_lines(measures_table(learned.comparison.after))
    typer.echo(
        f"\nIt gets {learned.comparison.better} right that were wrong, and {learned.comparison.worse} wrong that were "
        f"right.{'' if about['held_back'] >= FEW else ' So few cases tell little.'}"
        f"\nPut it in force with: redress classifier promote {learned.artefact.name}"
    )


def _print_judgement(judgement: Any, masked: str, plan: Plan) -> None:
    from rich.console import Console
    from rich.text import Text

    console = Console(highlight=False)
    name = plan.name_of("category", judgement.category, "en")
    finer = f", {plan.name_of('subcategory', judgement.sub_category, 'en')}" if judgement.sub_category else ""
    console.print(
        f"{name}{finer}; {plan.name_of('severity', judgement.severity, 'en')}"
        f"{', to be reported to the leadership group' if judgement.reportable else ''}"
    )
    guesses = ", ".join(f"{kind} {share:.0%}" for kind, share in judgement.guesses)
    console.print(f"guesses: {guesses}; language {judgement.language}; {judgement.model}")
    marked = Text(masked)
    for reason in judgement.reasons:
        if reason.words:
            marked.stylize("bold" if reason.speaks_for == judgement.best_guess else "dim", reason.start, reason.end)
    console.print(marked)
    console.print(f"\ncategory: {_said(judgement.reasons) or 'no word speaks for any'}")
    console.print(f"severity: {_said(judgement.severity_reasons)}")


def _said(reasons: Iterable[Reason]) -> str:
    told = []
    for reason in reasons:
        words = f"“{reason.words}” " if reason.words else ""
        value = f" ({reason.value:g} {reason.unit})" if reason.value is not None else ""
        about = reason.speaks_for if reason.signal == reason.speaks_for else reason.signal
        told.append(f"{words}{about} {reason.weight:+.2f}{value}")
    return ", ".join(told)


def _print_lines(lines: Iterable[str]) -> None:
    for line in lines:
        typer.echo(line)


def _plan() -> Plan:
    from redress.bringing_up import read_plan

    return read_plan(settings_for().plan)[1]


def _model(file: Path | None) -> tuple[LinearModel, Artefact]:
    from services.base.errors import Invalid
    from services.judgements.artefact import shipped, unpack

    if file is None:
        return unpack(shipped().content)
    try:
        return unpack(file.read_bytes(), str(file))
    except OSError as error:
        raise Invalid(f"{file} cannot be read: {error}") from error


def _write(file: Path, content: bytes) -> None:
    from services.base.errors import Invalid

    try:
        file.write_bytes(content)
    except OSError as error:
        raise Invalid(f"{file} cannot be written: {error}") from error


def _who() -> str:
    """Whom the database names for a promotion: the account at the terminal."""
    return f"terminal:{getpass.getuser()}"
