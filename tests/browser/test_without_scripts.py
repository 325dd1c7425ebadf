"""What customers do, in a real browser that runs no scripts: their forms, and where these lead."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from playwright.async_api import Browser, Page

from tests.base.file_samples import png
from tests.browser.conftest import Site


@pytest.fixture
async def page(chromium: Browser) -> AsyncIterator[Page]:
    context = await chromium.new_context(java_script_enabled=False)
    page = await context.new_page()
    failed: list[str] = []
    # What the page's own policy forbids is said here, a form that must not be sent among it.
    page.on("console", lambda message: failed.append(message.text) if message.type == "error" else None)
    yield page
    await context.close()
    assert [one for one in failed if "Content Security Policy" in one] == []


async def test_a_case_from_the_first_words_to_taking_back_and_up_again(site: Site, page: Page, tmp_path: Path) -> None:
    picture = tmp_path / "光猫.png"
    picture.write_bytes(png())
    await page.goto(site.at("mine", "en"))

    await page.get_by_label("Your answer").fill("HG8145-22187 🔴")
    await page.get_by_label("A file, if you like").set_input_files(picture)
    await page.get_by_role("button", name="Send").click()
    await page.get_by_text("We have it.").wait_for()
    assert await page.locator(".status").inner_text() == "In progress"

    await page.get_by_role("button", name="Stop text messages").click()
    assert await page.get_by_role("button", name="Allow text messages again").count() == 1

    await page.get_by_role("link", name="Withdraw the complaint").click()
    await page.get_by_role("link", name="No, go back").click()
    await page.get_by_role("link", name="Withdraw the complaint").click()
    await page.get_by_role("button", name="Withdraw it").click()
    assert await page.locator(".status").inner_text() == "Withdrawn"

    await page.get_by_label("Why we should go on").fill("It is down again.")
    await page.get_by_role("button", name="Ask us to reopen it").click()
    assert await page.get_by_role("status").inner_text() == "Your complaint is reopened. We will go on with it."
    await page.get_by_role("link", name="中文").click()
    assert await page.locator(".status").inner_text() == "处理中"


async def test_a_file_that_is_far_too_large_is_refused_on_the_page_with_the_words_kept(
    site: Site, page: Page, tmp_path: Path
) -> None:
    film = tmp_path / "film.mp4"
    film.write_bytes(bytes(30 * 1024 * 1024))
    await page.goto(site.at("question", "en"))

    await page.get_by_label("Your answer").fill("See the film.\nIt blinks.")
    await page.get_by_label("A file, if you like").set_input_files(film)
    await page.get_by_role("button", name="Send").click()

    assert "The file is too large; 10 MB is the most." in await page.get_by_role("alert").inner_text()
    assert await page.get_by_label("Your answer").input_value() == "See the film.\nIt blinks."


async def test_a_survey_from_a_mistake_to_the_case_that_goes_on(site: Site, page: Page) -> None:
    await page.goto(site.at("my_survey", "en"))

    await page.get_by_label("No, it isn't").check()
    await page.get_by_label("Anything else").fill("Down again since this morning.")
    await page.get_by_role("button", name="Send").click()
    assert await page.get_by_role("alert").locator("li").all_inner_texts() == ["Please choose how satisfied you are."]

    await page.get_by_label("Dissatisfied", exact=True).check()
    await page.get_by_role("button", name="Send").click()
    assert "Your complaint is reopened" in await page.locator("main").inner_text()

    await page.get_by_role("link", name="Follow your complaint").click()
    assert await page.locator(".status").inner_text() == "In progress"
