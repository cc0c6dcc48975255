"""Writing, sources and crawls, documents, datasets and models, traces: what an owner does besides asking."""

import re
from typing import Any

import pytest
from playwright.async_api import expect

from twin_common.authors import Link

from ..conftest import ADA
from .conftest import OpenVisit, Site
from .material import FEED, PARTS, QUESTION, crawl_report, train

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.integration]


async def _drafts(site: Site) -> list[dict[str, Any]]:
    """Those that the service keeps."""
    drafts: list[dict[str, Any]] = (await site.api.get("/v1/drafts")).json()["drafts"]
    return drafts


class TestWriting:
    async def test_a_thread_is_written_edited_copied_and_kept(self, site: Site, visiting: OpenVisit) -> None:
        visit = await visiting(permissions=["clipboard-read", "clipboard-write"])
        page = visit.page
        site.upstream.words = [f"{part}\n\n" for part in PARTS]
        await visit.open("write", site.key)
        await page.get_by_text("X thread").click()
        await page.get_by_label("Your idea").fill(QUESTION)
        await page.get_by_text("Pages, papers and repositories to use").click()
        await page.get_by_label("Links").fill("http://127.0.0.1:9/paper.pdf")
        async with page.expect_request("**/v1/chat/completions") as asked:
            await page.get_by_role("button", name="Write", exact=True).click()
        sent = (await asked.value).post_data_json
        assert sent["writing"] == {"preset": "thread", "links": ["http://127.0.0.1:9/paper.pdf"]}
        own = page.get_by_role("textbox", name="Your version")
        await expect(own).to_have_value("\n\n".join(PARTS))
        await expect(page.get_by_text("it leads to a place that is not public")).to_be_visible()
        await own.fill("Tides turn twice.\n\n" + "Lamps " * 60)
        await expect(page.get_by_text(re.compile(r"2 parts, the longest \d+ of 280"))).to_have_class(
            re.compile("over")
        )
        await own.fill("Tides turn twice a day.\n\nI wrote it down.")
        await page.get_by_role("button", name="Save the draft").click()
        await expect(page.locator(".drafts li")).to_have_count(1)
        await visit.picture("write")
        await page.get_by_role("button", name="Copy").click()
        assert await visit.clipboard() == await own.input_value()
        [draft] = await _drafts(site)
        assert draft["preset"] == "thread"
        assert draft["text"] == "Tides turn twice a day.\n\nI wrote it down."
        assert draft["generated"]["prompt"] == QUESTION
        assert draft["generated"]["text"].startswith("1/ Tides turn")
        await own.fill("Tides turn, and I wrote it down.")
        await page.get_by_role("button", name="Save the draft").click()
        await expect(page.get_by_role("status").filter(has_text="Draft saved")).to_be_visible()
        assert [each["text"] for each in await _drafts(site)] == ["Tides turn, and I wrote it down."]
        await own.fill("")
        await page.locator(".drafts .link").click()
        await expect(own).to_have_value(re.compile("I wrote it down"))
        await page.get_by_role("button", name="Delete this draft").click()
        await expect(page.get_by_text("No drafts yet.")).to_be_visible()


class TestSources:
    async def test_links_and_schedule_are_kept(self, site: Site, visiting: OpenVisit) -> None:
        visit = await visiting()
        page = visit.page
        await visit.open("sources", site.key)
        await expect(page.get_by_label("Address of the link").first).to_have_value(FEED)
        await page.get_by_role("button", name="Add a link").click()
        await expect(page.get_by_label("Address of the link").last).to_be_focused()
        await page.keyboard.type("https://ada.example/notes")
        await page.get_by_label("What is found there").last.select_option("post")
        await page.get_by_label("When to read them").select_option("own")
        await page.get_by_label("Schedule", exact=True).fill("at noon")
        visit.tolerated = ["422"]
        await page.get_by_role("button", name="Save").click()
        await expect(page.get_by_role("alert").first).to_contain_text("schedule")
        await page.get_by_label("Schedule", exact=True).fill("0 12 * * * Europe/Stockholm")
        await page.get_by_role("button", name="Save").click()
        await expect(page.get_by_role("status").filter(has_text="Saved")).to_be_visible()
        author = await site.warehouse.authors.get(ADA)
        assert author.schedule == "0 12 * * * Europe/Stockholm"
        assert author.links[2] == Link.model_validate(
            {"url": "https://ada.example/notes", "category": "post"}
        )

    async def test_a_crawl_is_followed_to_its_end_with_a_reason_for_what_failed(
        self, site: Site, visiting: OpenVisit
    ) -> None:
        visit = await visiting()
        page = visit.page
        await visit.open("sources", site.key)
        async with page.expect_response("**/v1/crawls") as accepted:
            await page.get_by_role("button", name="Start the crawl").click()
        run_id = (await (await accepted.value).json())["run_id"]
        await expect(page.get_by_text("Waiting for the crawler")).to_be_visible()
        await site.warehouse.crawls.save_run(crawl_report(run_id, ended=False))
        await expect(page.get_by_text("2 of 8 pages: 2 inserted")).to_be_visible()
        await expect(page.locator("progress")).to_have_attribute("value", "0.25")
        await page.reload()
        await expect(page.get_by_text("2 of 8 pages: 2 inserted")).to_be_visible()
        await site.warehouse.crawls.save_run(crawl_report(run_id, ended=True))
        failed = page.get_by_role("list", name="Links of this crawl").get_by_role("listitem").last
        await expect(failed).to_contain_text("The server did not answer within 30 seconds.")
        await expect(page.get_by_text("The server answered 404.")).to_be_visible()
        await expect(page.get_by_role("button", name="Start the crawl")).to_be_enabled()
        await visit.picture("sources")


class TestDocuments:
    async def test_each_with_its_state_and_opened_to_read(self, site: Site, visiting: OpenVisit) -> None:
        visit = await visiting()
        page = visit.page
        await visit.open("documents", site.key)
        rows = page.locator("tbody tr")
        await expect(rows).to_have_count(4)
        await expect(rows.filter(has_text="An empty page")).to_contain_text("too short to be searched")
        await expect(rows.filter(has_text="Fog, a new entry").locator(".pill")).to_have_text("pending")
        await visit.picture("documents")
        await page.get_by_role("button", name="Lamps").click()
        drawer = page.get_by_role("dialog", name="Lamps")
        await expect(drawer).to_contain_text("Each of the lamps has a number")
        await drawer.get_by_text("How it became searchable").click()
        await expect(drawer.get_by_text("crawled")).to_be_visible()
        await drawer.get_by_role("button", name="Close").click()
        await expect(page.get_by_role("button", name="Lamps")).to_be_focused()


class TestModels:
    async def test_a_dataset_with_its_report(self, site: Site, visiting: OpenVisit) -> None:
        visit = await visiting()
        await visit.open("models", site.key)
        await visit.page.get_by_text("ada-5e1f00c2a7d94b10", exact=True).click()
        await expect(visit.page.get_by_text("Only 12 preference pairs")).to_be_visible()
        await expect(visit.page.get_by_role("table", name="documents dropped")).to_contain_text("too short")

    async def test_how_a_model_learnt_is_drawn(self, site: Site, visiting: OpenVisit) -> None:
        visit = await visiting()
        page = visit.page
        model = page.locator(".model").filter(has_text=await train(site.warehouse))
        await visit.open("models", site.key)
        await model.get_by_text("Learning curves").click()
        drawn = model.get_by_role(
            "img", name="sft, 25 steps: training 3.680 to 3.200; held out 3.900 to 3.500"
        )
        await expect(drawn).to_be_visible()
        falling = await drawn.locator("polyline.loss").get_attribute("points")
        heights = [float(spot.split(",")[1]) for spot in (falling or "").split()]
        assert len(heights) == 25
        assert heights == sorted(heights)  # of a screen, whose top is 0
        assert await drawn.locator("circle").count() == 5
        await expect(model.get_by_role("img", name="dpo, 2 steps: training 0.693 to 0.512")).to_be_visible()
        await visit.picture("curves")

    @pytest.mark.parametrize(("decision", "action"), [("Approve", "approve"), ("Reject", "reject")])
    async def test_a_model_is_read_about_and_decided_on(
        self, site: Site, visiting: OpenVisit, decision: str, action: str
    ) -> None:
        visit = await visiting()
        page = visit.page
        model_id = await train(site.warehouse)
        await visit.open("models", site.key)
        await expect(page.get_by_text("sft: step 12 of 25")).to_be_visible()
        model = page.locator(".model").filter(has_text=model_id)
        await model.get_by_text("Report", exact=True).click()
        await expect(model.get_by_role("cell", name="37.2")).to_be_visible()
        await model.get_by_role("button", name=decision).click()
        await expect(model.get_by_text("Say why first")).to_be_visible()
        await model.get_by_label("Why (kept in the history)").fill("It sounds like me.")
        await visit.picture("models")
        await model.get_by_role("button", name=decision).click()
        await expect(model.locator("header")).to_contain_text(action[:6])
        record = await site.warehouse.models.get(model_id)
        assert record is not None
        decided = record.history[-1]
        assert (decided.stage.value[:6], decided.why) == (action[:6], "It sounds like me.")


class TestTraces:
    async def test_answers_are_found_by_filters_and_tell_their_way(
        self, site: Site, visiting: OpenVisit
    ) -> None:
        visit = await visiting()
        page = visit.page
        await visit.open("chat", site.key)
        for question in (QUESTION, "What does the Zyxwvut protocol of Qwertz say?"):
            await page.get_by_label("Your question").fill(question)
            await page.keyboard.press("Enter")
            await expect(page.locator(".turn").last.locator(".feedback")).to_be_visible()
        await site.api.resources.recorder.settle()
        await page.locator(".turn").first.get_by_role("link", name="How it came about").click()
        detail = page.get_by_label("Trace", exact=True)
        await expect(detail.get_by_role("heading", name=QUESTION)).to_be_visible()
        await expect(detail.locator(".scored li").first).to_contain_text("The harbour book")
        await expect(detail.locator("dl")).to_contain_text("Supported")
        await expect(detail.locator(".answer")).to_contain_text("Tides turn")
        await expect(page.locator(".trace-list a[aria-current]")).to_contain_text(QUESTION)
        await visit.picture("traces")
        await page.get_by_label("Outcome").select_option("nothing_found")
        listed = page.locator(".trace-list li")
        await expect(listed).to_have_count(1)
        await expect(listed).to_contain_text("Zyxwvut")
        await page.get_by_label("Outcome").select_option("")
        await page.get_by_label("Text").fill("tides turn")
        await expect(listed.filter(has_text="Zyxwvut")).to_have_count(0)
        await expect(listed.first).to_contain_text(QUESTION)
