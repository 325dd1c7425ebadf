"""What has to agree with what, checked by ``python -m redress.checks`` (in ``make check``).

The tables with the migrations, the generated documents with what they are made from, the OpenAPI documents with
themselves. ``--write`` makes the documents anew instead of complaining about them.
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
import warnings
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Final

from pydantic import SecretStr
from sqlalchemy.exc import SAWarning

from redress import postgres
from redress.composition import opened
from redress.notices_doc import words_page
from redress.settings_doc import settings_page
from services.base.database import create_engine
from services.base.settings import Settings

ROOT: Final = Path(__file__).parent.parent
# Generated document -> what makes it.
DOCUMENTS: Final[Mapping[str, Callable[[], str]]] = {
    "docs/settings.md": settings_page,
    "docs/notices-words.md": words_page,
}


def main() -> None:
    """Check everything; exit code 1, with a line for each finding, when something does not agree."""
    if "--write" in sys.argv[1:]:
        write_documents(ROOT)
    findings = [*stale_documents(ROOT), *asyncio.run(_openapi_failures()), *_schema_differences()]
    for finding in findings:
        sys.stderr.write(f"{finding}\n")
    sys.stderr.write(f"checks: {len(findings) or 'no'} findings\n")
    sys.exit(1 if findings else 0)


def write_documents(root: Path) -> None:
    """Make the generated documents under ``root`` anew."""
    for name, make in DOCUMENTS.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(make(), encoding="utf-8")


def stale_documents(root: Path) -> Iterator[str]:
    """A finding for each generated document that is not what it would be if made now."""
    for name, make in DOCUMENTS.items():
        file = root / name
        if not file.exists() or file.read_text(encoding="utf-8") != make():
            yield f"{name} is not up to date; run python -m redress.checks --write"


def _schema_differences() -> list[str]:
    """Where the tables in the code and the tables that the migrations make differ."""
    with tempfile.TemporaryDirectory(prefix="redress-check-") as folder:
        server = postgres.start(Path(folder) / "postgres")
        try:
            return asyncio.run(_differences(server.url))
        finally:
            server.stop()


async def _differences(url: str) -> list[str]:
    from migrations.running import differences, migrate

    engine = create_engine(url)
    try:
        await migrate(engine)
        with warnings.catch_warnings():
            # xid8 and pg_snapshot are types of PostgreSQL that SQLAlchemy does not know when it reads the tables back.
            warnings.filterwarnings("ignore", "Did not recognize type", SAWarning)
            return [f"models and migrations differ: {difference}" for difference in await differences(engine)]
    finally:
        await engine.dispose()


async def _openapi_failures() -> list[str]:
    """Why an OpenAPI document can't be built or is empty. No database is asked."""
    from httpx import ASGITransport, AsyncClient

    failures = []
    settings = Settings(database_url="postgresql://nobody@/nothing?host=/nowhere", secret=SecretStr("-" * 32))
    async with opened(settings) as composition:
        for name, app in (("intake", composition.intake()), ("desk", composition.desk())):
            async with AsyncClient(transport=ASGITransport(app=app), base_url="http://localhost") as client:
                answer = await client.get("/openapi.json")
            if answer.status_code != 200 or not answer.json().get("paths"):
                failures.append(f"the OpenAPI document of the {name} program can't be built: {answer.text[:500]}")
    return failures


if __name__ == "__main__":
    main()
