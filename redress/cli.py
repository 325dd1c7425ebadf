"""The command line. What each command does lives beside it in ``commands/``; this is where they meet.

Errors that Redress raises on purpose become one line on standard error: exit code 2 when something has to be changed
first (a wrong setting, a plan with mistakes, a refused request), 1 when it may work later.
"""

from __future__ import annotations

import logging
import sys

import typer

from redress.commands import (
    callbacks,
    classifier,
    complaints,
    dead_letters,
    events,
    keys,
    notices,
    plan,
    programs,
    setup,
    status,
)
from services.base.errors import Misconfigured, RedressError, Refused

app = typer.Typer(
    name="redress",
    help="Complaint handling for telecom operators: the contingency plan, carried out.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
programs.add_to(app)
setup.add_to(app)
status.add_to(app)
app.add_typer(plan.app, name="plan")
app.add_typer(keys.app, name="keys")
app.add_typer(callbacks.app, name="callbacks")
app.add_typer(complaints.app, name="complaints")
app.add_typer(classifier.app, name="classifier")
app.add_typer(events.app, name="events")
app.add_typer(dead_letters.app, name="dead-letters")
app.add_typer(notices.app, name="notices")


def main() -> None:
    """The console script."""
    try:
        app()
    except KeyboardInterrupt:
        sys.exit(130)
    except BrokenPipeError:
        # Whoever read our output has left, as `head` does.
        sys.stderr.close()
        sys.exit(0)
    except RedressError as error:
        sys.exit(_report(error))
    except Exception as error:
        from redress.explaining import explained

        known = explained(error)
        if known is None:
            raise
        sys.exit(_report(known))


def _report(error: RedressError) -> int:
    typer.echo(f"redress: {error}", err=True)
    if logging.getLogger().isEnabledFor(logging.DEBUG):
        logging.getLogger(__name__).debug("raised here", exc_info=error)
    return 2 if isinstance(error, Misconfigured | Refused) else 1
