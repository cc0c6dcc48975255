"""Signing in, asking, following a citation, and saying what one thinks of the answer."""

import re

import pytest
from playwright.async_api import expect

from twin_common.events import Rating

from ..conftest import ADA
from .conftest import OpenVisit, Site
from .material import PASSAGE, QUESTION

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.integration]


class TestSigningIn:
    async def test_by_a_link_whose_key_does_not_stay_in_the_address(
        self, site: Site, visiting: OpenVisit
    ) -> None:
        visit = await visiting()
        await visit.page.goto(f"{site.api.url}/#key={site.key}")
        await expect(visit.page.locator("#author")).to_have_text("Ada Keeper")
        assert site.key not in visit.page.url

    async def test_by_a_key_and_out_again(self, site: Site, visiting: OpenVisit) -> None:
        visit = await visiting()
        visit.tolerated = ["401"]
        page = visit.page
        await page.goto(site.api.url)
        await visit.picture("sign-in")
        await page.get_by_label("API key").fill("twin_wrong")
        await page.keyboard.press("Enter")
        await expect(page.get_by_role("alert")).to_contain_text("twin keys create")
        await page.get_by_label("API key").fill(site.key)
        await page.keyboard.press("Enter")
        await expect(page.get_by_role("heading", name="Ask")).to_be_visible()
        await page.get_by_role("button", name="Sign out").click()
        await expect(page.get_by_label("API key")).to_be_focused()
        assert await page.evaluate("Object.keys(sessionStorage).length") == 0


class TestAsking:
    async def test_an_answer_streams_and_its_citation_opens_the_passage_in_the_document(
        self, site: Site, visiting: OpenVisit
    ) -> None:
        site.upstream.words = [
            "Tides turn twice a day",
            " in this harbour",
            " [1",
            "]",
            ". Lamps **glow** ",
            "from dusk [2].",
        ]
        visit = await visiting()
        page = visit.page
        await visit.open("chat", site.key)
        await expect(page.get_by_role("button", name="What is “The harbour book” about?")).to_be_visible()
        await visit.picture("ask-empty")
        await page.get_by_label("Your question").fill(QUESTION)
        await page.keyboard.press("Enter")
        answer = page.locator(".answer")
        await expect(answer).to_have_text(
            re.compile(r"Tides turn twice a day in this harbour 1\. Lamps glow")
        )
        await expect(answer).to_have_attribute("aria-busy", "false")
        await expect(answer.locator("strong")).to_have_text("glow")
        await expect(page.locator(".cited li")).to_have_count(2)
        await visit.picture("ask-answer")
        await page.get_by_role("button", name="Open source 1").click()
        drawer = page.get_by_role("dialog", name="The harbour book")
        await expect(drawer.locator("mark").first).to_contain_text("Tides turn twice a day")
        marked = " ".join(await drawer.locator("mark").all_text_contents())
        assert re.sub(r"\s+", " ", marked).strip() == PASSAGE
        await expect(drawer.locator("mark").first).to_be_in_viewport()
        await visit.picture("reader", full=False)
        await page.keyboard.press("Escape")
        await expect(drawer).to_have_count(0)

    async def test_a_follow_up_goes_with_what_was_said_before(self, site: Site, visiting: OpenVisit) -> None:
        visit = await visiting()
        page = visit.page
        await visit.open("chat", site.key)
        for question in (QUESTION, "And who writes the tides down in the harbour?"):
            await page.get_by_label("Your question").fill(question)
            await page.get_by_role("button", name="Ask", exact=True).click()
            await expect(page.locator(".turn").last.locator(".feedback")).to_be_visible()
        roles = [message["role"] for message in site.upstream.requests[-1]["messages"]]
        assert roles == ["system", "user", "assistant", "user"]
        await page.get_by_role("button", name="New conversation").click()
        await expect(page.locator(".turn")).to_have_count(0)

    async def test_stopping_leaves_what_was_written(self, site: Site, visiting: OpenVisit) -> None:
        visit = await visiting()
        page = visit.page
        await visit.open("chat", site.key)
        site.upstream.script = "pause"
        await page.get_by_label("Your question").fill(QUESTION)
        await page.keyboard.press("Enter")
        await expect(page.locator(".answer")).to_contain_text("Tides turn")
        await page.get_by_role("button", name="Stop").click()
        await expect(page.get_by_text("Stopped.")).to_be_visible()
        site.upstream.script = "answer"

    async def test_what_looks_like_markup_stays_text(self, site: Site, visiting: OpenVisit) -> None:
        words = site.upstream.words
        site.upstream.words = ["<img src=x onerror=alert(1)> ", "[go](javascript:alert(1)) ", "tides [1]."]
        visit = await visiting()
        await visit.open("chat", site.key)
        await visit.page.get_by_label("Your question").fill(QUESTION)
        await visit.page.keyboard.press("Enter")
        answer = visit.page.locator(".answer")
        await expect(answer).to_contain_text("<img src=x onerror=alert(1)>")
        assert await answer.locator("img, a").count() == 0
        site.upstream.words = words


class TestFeedback:
    async def test_a_thumb_and_an_edit_reach_the_warehouse(self, site: Site, visiting: OpenVisit) -> None:
        visit = await visiting(permissions=["clipboard-read", "clipboard-write"])
        page = visit.page
        await visit.open("chat", site.key)
        await page.get_by_label("Your question").fill(QUESTION)
        await page.keyboard.press("Enter")
        await page.get_by_role("button", name="Good answer").click()
        await expect(page.get_by_role("button", name="Good answer")).to_have_attribute("aria-pressed", "true")
        await page.get_by_role("button", name="Say it better").click()
        await page.get_by_label("How you would have written it").fill("Twice a day, as ever.")
        await visit.picture("ask-edit")
        await page.get_by_role("button", name="Save my wording").click()
        await expect(page.get_by_role("status").filter(has_text="prefers your wording")).to_be_visible()
        given = await site.warehouse.feedback.all(ADA)
        assert [(entry.rating, entry.edit) for entry in given] == [
            (Rating.UP, None),
            (None, "Twice a day, as ever."),
        ]
        assert {entry.prompt for entry in given} == {QUESTION}
        await page.get_by_role("button", name="Copy").click()
        assert "Tides turn twice a day" in await visit.clipboard()
