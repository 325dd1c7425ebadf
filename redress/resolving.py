"""From the settings as given to settings that a program can run with.

A program that was told no database uses that of the `redress up` that runs in `REDRESS_HOME`, and its secret.
"""

from __future__ import annotations

from pydantic import SecretStr

from redress.home import Home
from services.base.errors import Misconfigured
from services.base.settings import Settings


def resolved(settings: Settings) -> Settings:
    """The settings with database, secret and mail folder filled in.

    Raises `Misconfigured` when no database is set and no `redress up` runs.
    """
    home = Home(settings.home)
    changes: dict[str, object] = {}
    if settings.database_url is None:
        running = home.running()
        if running is None:
            raise Misconfigured(
                f"REDRESS_DATABASE_URL is not set, and no `redress up` runs in {settings.home}; "
                "set it to postgresql://user:password@host/name, or start `redress up` first"
            )
        # One process serves all the shares of its log, and a second one beside it has to divide it likewise.
        changes |= {"database_url": running.database_url, "shares": 1, "public_url": running.url}
        secret = home.known_secret()
        if settings.secret is None and secret is not None:
            changes["secret"] = SecretStr(secret)
    if settings.mail_dir is None:
        changes["mail_dir"] = home.mail
    return settings.model_copy(update=changes)
