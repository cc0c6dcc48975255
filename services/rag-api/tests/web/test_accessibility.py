"""For everyone: axe-core in both colours, by keyboard alone, on a small screen."""

from typing import Any

import pytest
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Page, expect

from .conftest import OpenVisit, Site
from .material import QUESTION, train

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.integration]

VIEWS = ("chat", "write", "sources", "documents", "models", "traces")
PHONE: dict[str, Any] = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}


async def findings(page: Page) -> list[str]:
    """What axe-core finds serious or critical, with the place."""
    for _ in range(20):  # what is still being drawn may lack its colours or heading; a true finding stays
        if not (found := await _findings_now(page)):
            break
        await page.wait_for_timeout(250)
    return found


async def _findings_now(page: Page) -> list[str]:
    results = (await Axe().run(page)).response
    return [
        f"{found['id']}: {node['target']} {node['failureSummary']}"
        for found in results["violations"]
        if found["impact"] in ("serious", "critical")
        for node in found["nodes"]
    ]


class TestAxe:
    @pytest.mark.parametrize("colours", ["light", "dark"])
    async def test_no_view_has_a_serious_finding(self, site: Site, visiting: OpenVisit, colours: str) -> None:
        visit = await visiting(color_scheme=colours, reduced_motion="reduce")
        page = visit.page
        await train(site.warehouse)
        await page.goto(site.api.url)
        await expect(page.get_by_label("API key")).to_be_visible()
        found = {"sign-in": await findings(page)}
        await visit.open("chat", site.key)
        await page.get_by_label("Your question").fill(QUESTION)
        await page.keyboard.press("Enter")
        await expect(page.locator(".feedback")).to_be_visible()
        await site.api.resources.recorder.settle()
        for view in VIEWS:
            await visit.open(view)
            await page.wait_for_load_state("networkidle")
            if view == "traces":
                await page.locator(".trace-list a").first.click()
                await expect(page.locator(".trace-detail dl")).to_be_visible()
            if view == "models":
                await expect(page.locator(".model").first).to_be_visible()
                await page.evaluate(
                    "document.querySelectorAll('details').forEach((each) => each.open = true)"
                )
                await expect(page.get_by_role("cell", name="37.2").first).to_be_visible()
            found[view] = await findings(page)
            await visit.picture(f"{view}-{colours}")
        await visit.open("documents")
        await page.get_by_role("button", name="The harbour book").click()
        await expect(page.get_by_role("dialog").locator("pre")).to_be_visible()
        found["reader"] = await findings(page)
        await page.goto(f"{site.api.url}/docs")
        await expect(page.get_by_role("heading", name="Routes")).to_be_visible()
        found["docs"] = await findings(page)
        assert {view: each for view, each in found.items() if each} == {}


class TestKeyboard:
    async def test_a_question_is_asked_and_its_source_read_without_a_mouse(
        self, site: Site, visiting: OpenVisit
    ) -> None:
        visit = await visiting()
        page = visit.page
        await visit.open("documents", site.key)
        await page.locator("#nav a").first.focus()
        await page.keyboard.press("Enter")
        await expect(page.get_by_label("Your question")).to_be_focused()
        await page.keyboard.type(QUESTION)
        await page.keyboard.press("Enter")
        await expect(page.locator(".feedback")).to_be_visible()
        await page.keyboard.press("Shift+Tab")
        for _ in range(20):
            if await page.locator("button.cite:focus").count():
                break
            await page.keyboard.press("Shift+Tab")
        await page.keyboard.press("Enter")
        await expect(page.get_by_role("dialog", name="Lamps")).to_be_visible()
        await page.keyboard.press("Escape")
        await expect(page.get_by_role("dialog")).to_have_count(0)


class TestSmallScreen:
    async def test_no_view_is_wider_than_the_screen(self, site: Site, visiting: OpenVisit) -> None:
        visit = await visiting(**PHONE)
        page = visit.page
        await train(site.warehouse)
        await visit.open("chat", site.key)
        await page.get_by_label("Your question").fill(QUESTION)
        await page.get_by_role("button", name="Ask", exact=True).click()
        await expect(page.locator(".feedback")).to_be_visible()
        await visit.picture("phone-chat", full=False)
        for view in VIEWS:
            await visit.open(view)
            await page.wait_for_load_state("networkidle")
            await expect(page.locator("#nav a[aria-current]")).to_be_in_viewport()
            assert await page.evaluate("document.documentElement.scrollWidth") <= 390, view
            if view != "chat":
                await visit.picture(f"phone-{view}", full=False)


class TestColours:
    async def test_a_choice_is_kept_against_the_system(self, site: Site, visiting: OpenVisit) -> None:
        visit = await visiting(color_scheme="light")
        page = visit.page
        await visit.open("documents", site.key)
        ground = "getComputedStyle(document.body).backgroundColor"
        light = await page.evaluate(ground)
        for _ in range(2):
            await page.get_by_role("button", name="Colours").click()
        await expect(page.get_by_role("button", name="Colours: dark")).to_be_visible()
        dark = await page.evaluate(ground)
        assert dark != light
        await page.reload()
        await expect(page.locator("#side")).to_be_visible()
        assert await page.evaluate(ground) == dark
