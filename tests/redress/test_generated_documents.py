"""Generated documents say what the program does, and the checks notice when they don't."""

from __future__ import annotations

from pathlib import Path

from redress.checks import ROOT, stale_documents, write_documents
from redress.settings_doc import settings_page
from services.base.settings import Settings


def test_the_documents_in_the_repository_are_up_to_date() -> None:
    assert list(stale_documents(ROOT)) == []


def test_a_document_that_was_changed_by_hand_is_noticed_and_mended(tmp_path: Path) -> None:
    write_documents(tmp_path)
    assert list(stale_documents(tmp_path)) == []
    page = tmp_path / "docs/settings.md"
    page.write_text(page.read_text().replace("REDRESS_HOME", "REDRESS_HOUSE"))

    [finding] = stale_documents(tmp_path)

    assert "docs/settings.md" in finding
    assert "--write" in finding


def test_the_settings_page_has_a_described_row_for_every_setting() -> None:
    rows = [line for line in settings_page().splitlines() if line.startswith("| `REDRESS_")]

    assert [row.split("`")[1] for row in rows] == [f"REDRESS_{name.upper()}" for name in Settings.model_fields]
    assert all(len(row.split(" | ")[-1]) > 20 for row in rows)


def test_the_settings_page_tells_choices_and_bounds() -> None:
    page = settings_page()

    assert "One of `debug`, `info`, `warning`, `error`." in page
    assert "From 1 to 5000." in page
