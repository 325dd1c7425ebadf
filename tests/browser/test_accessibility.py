"""The customer's pages in a real browser: nothing in the way of those who see, move or read otherwise."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Browser, Page, ViewportSize

from services.plan.vocabulary import LANGUAGES
from tests.browser.conftest import Site

PAGES = (
    "received",
    "estimate",
    "question",
    "resolved",
    "closed",
    "withdrawn",
    "long_closed",
    "survey",
    "thanks",
    "reopened",
    "expired",
    "not_found",
)
PHONE: ViewportSize = {"width": 360, "height": 800}


@pytest.fixture
async def phone(chromium: Browser) -> AsyncIterator[Page]:
    """A page on a phone."""
    context = await chromium.new_context(viewport=PHONE)
    yield await context.new_page()
    await context.close()


@pytest.mark.parametrize("language", LANGUAGES)
async def test_every_page_is_free_of_barriers_and_fits_a_phone(site: Site, phone: Page, language: str) -> None:
    for name in PAGES:
        await phone.goto(site.at(name, language))
        await require_fit(phone, name)


@pytest.mark.parametrize("language", LANGUAGES)
async def test_a_page_that_says_what_is_wrong_is_free_of_barriers(site: Site, phone: Page, language: str) -> None:
    for name in ("question", "resolved", "survey"):
        await phone.goto(site.at(name, language))
        await phone.click("form button >> nth=0")
        assert await phone.locator("[role=alert]").count() == 1
        await require_fit(phone, f"{name} with a mistake")


@pytest.mark.parametrize("language", LANGUAGES)
async def test_the_page_that_asks_before_taking_back_is_free_of_barriers(
    site: Site, phone: Page, language: str
) -> None:
    await phone.goto(f"{site.url}{site.addresses['estimate']}/withdraw?lang={language}")

    await require_fit(phone, "taking back")


async def test_colours_of_the_night_have_contrast_enough(site: Site, chromium: Browser) -> None:
    context = await chromium.new_context(viewport=PHONE, color_scheme="dark")
    page = await context.new_page()
    for name in ("question", "resolved", "survey"):
        await page.goto(site.at(name, "zh"))
        await page.click("form button >> nth=0")
        await require_fit(page, f"{name} at night")
    await context.close()


async def require_fit(page: Page, name: str) -> None:
    """No violation of axe's rules, nothing wider than the screen, nothing that is hard to hit with a finger."""
    found = (await Axe().run(page)).response["violations"]
    assert found == [], f"{name}: {[(one['id'], [node['html'] for node in one['nodes']]) for one in found]}"
    assert await page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"], name
    small = await page.evaluate(
        """[...document.querySelectorAll('button, a.button, .choice, textarea, input[type=file], summary, nav a')]
           .filter(one => one.checkVisibility() && one.getBoundingClientRect().height < 40)
           .map(one => one.outerHTML)"""
    )
    assert small == [], name
