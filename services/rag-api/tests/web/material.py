"""An author of a lighthouse's log, as the rest of the platform would have left it behind."""

import json
from typing import Any

from playwright.async_api import Page, Route

from twin_common.authors import Author
from twin_common.clock import utc_now
from twin_common.documents import Category, DocumentDraft, HeadStatus, StageTimes
from twin_common.events import CrawlCounts, CrawlReported, DatasetReady, LinkError, LinkReport, OutcomeCounts
from twin_common.warehouse import DatasetRecord, Warehouse

from ..conftest import ADA, NOW, Api, chunk, put_chunks, put_head

QUESTION = "When do the tides turn in the harbour?"
PASSAGE = "Tides turn twice a day in this harbour, and the harbour master writes the tides into a book."
TIDES = f"""# The harbour book

I keep a book that nobody asked me to keep. It has a column for ice, a column for fog and a column for the
things that sailors say when they believe that nobody listens.

## What the water does

{PASSAGE} The book is older than the harbour wall, and it is kept in ink.

- The **spring tide** follows the full moon.
- The *neap tide* follows the quarter.

> Write down what you saw, not what you expected.

```python
def next_turn(last: float) -> float:
    return last + 6.21
```
"""
LAMPS = """# Lamps

The lamps at the harbour glow from dusk until the tides have turned. Each of the lamps has a number, and each
number has a keeper who answers for it.
"""
PARTS = ("1/ Tides turn twice a day.", "2/ The lamps glow until they have turned.")
FEED = "https://ada.example/feed.xml"


async def fill(api: Api, warehouse: Warehouse) -> None:
    """An author with two links, three documents in three states, a dataset, and what is searched."""
    links = (FEED, "https://github.com/ada/lighthouse")
    await warehouse.authors.put(Author(author_id=ADA, name="Ada Keeper", links=links, schedule="6h"))
    for path, title, text, passage in (
        ("/tides", "The harbour book", TIDES, PASSAGE),
        ("/lamps", "Lamps", LAMPS, LAMPS.split("\n\n")[1].strip()),
    ):
        document = _draft(path, title, text)
        await warehouse.documents.put(document)
        await put_head(
            api.resources.index,
            document_id=document.document_id,
            author_id=ADA,
            version=1,
            url=document.url,
            title=title,
            text=text,
            stages=StageTimes(stored_at=utc_now(), captured_at=utc_now(), searchable_at=utc_now()),
        )
        await put_chunks(
            api.resources.index,
            [chunk(passage, path=path, title=title, start=text.index(passage[:40]), chunk_index=2)],
        )
    empty = _draft("/empty", "An empty page", "…")
    await warehouse.documents.put(empty)
    await put_head(
        api.resources.index,
        document_id=empty.document_id,
        author_id=ADA,
        version=1,
        url=empty.url,
        title="An empty page",
        status=HeadStatus.SKIPPED,
        reason="the text is too short to be searched",
        chunk_count=0,
    )
    await warehouse.documents.put(_draft("/new", "Fog, a new entry", "Fog came in from the north."))
    await warehouse.datasets.put(_dataset())


def _draft(path: str, title: str, text: str) -> DocumentDraft:
    url = f"https://{ADA}.example{path}"
    return DocumentDraft.at(ADA, url, category=Category.ARTICLE, title=title, text=text)


def _dataset() -> DatasetRecord:
    event = DatasetReady(
        dataset_id="ada-5e1f00c2a7d94b10",
        author_id=ADA,
        content_hash="5e1f",
        location="ada-5e1f00c2a7d94b10",
        documents=42,
        train_samples=317,
        test_samples=35,
        preference_pairs=12,
        warnings=("Only 12 preference pairs: thumbs and edits make more of them.",),
        created_at=NOW,
    )
    report = {
        "training samples by kind": {"write": 201, "continue": 88, "answer": 28},
        "documents dropped": {"too_short": 3, "other_author": 1},
        "replaced": {"e-mail": 4},
    }
    return DatasetRecord.of(event, report)


def crawl_report(run_id: str, *, ended: bool) -> CrawlReported:
    """A crawl half way, or at its end with a link that failed."""
    counts = {"discovered": 8, "inserted": 5, "unchanged": 1} if ended else {"discovered": 8, "inserted": 2}
    links: list[dict[str, Any]] = [
        {"url": FEED, "status": "done" if ended else "crawling", "counts": OutcomeCounts(inserted=5)},
        {
            "url": "https://github.com/ada/lighthouse",
            "status": "failed" if ended else "crawling",
            "reason": "timeout",
            "detail": "The server did not answer within 30 seconds." if ended else None,
        },
    ]
    error = LinkError(url="https://ada.example/gone", reason="status_404", detail="The server answered 404.")
    return CrawlReported.model_validate(
        {
            "run_id": run_id,
            "author_id": ADA,
            "status": "finished" if ended else "running",
            "counts": CrawlCounts(**counts, failed=2 if ended else 0),
            "errors": (error,) if ended else (),
            "links": tuple(LinkReport.model_validate(link) for link in links),
            "started_at": NOW,
        }
    )


class OtherRoutes:
    """What the routes of drafts and of trained models answer."""

    def __init__(self) -> None:
        self.drafts: dict[str, dict[str, Any]] = {}
        self.decisions: list[tuple[str, Any]] = []
        self.stage = "evaluated"

    async def install(self, page: Page) -> None:
        await page.route("**/openapi.json", self._routes)
        await page.route("**/v1/drafts*", self._drafts)
        await page.route("**/v1/drafts/*", self._drafts)
        await page.route("**/v1/presets", self._presets)
        await page.route("**/v1/chat/completions", self._write)
        await page.route("**/v1/twins", self._twins)
        await page.route("**/v1/models/**", self._models)

    async def _routes(self, route: Route) -> None:
        response = await route.fetch()
        document = await response.json()
        document["paths"] |= {"/v1/drafts": {}, "/v1/presets": {}, "/v1/twins": {}}
        await route.fulfill(json=document)

    async def _presets(self, route: Route) -> None:
        rows = (
            ("post", "LinkedIn post", "post", "linkedin", 3000),
            ("thread", "X thread", "post", "x", 280),
            ("article", "Article", "article", None, None),
            ("reply", "Reply", "post", None, 1250),
            ("code", "Code", "code", None, None),
        )
        names = ("name", "title", "category", "platform", "characters")
        presets = [dict(zip(names, row, strict=True)) | {"in_parts": row[0] == "thread"} for row in rows]
        await route.fulfill(json={"presets": presets})

    async def _write(self, route: Route) -> None:
        """The service's own answer, with the draft that a writing service adds."""
        if "writing" not in (route.request.post_data or ""):
            await route.fallback()
            return
        response = await route.fetch()
        events = (await response.text()).split("\n\n")
        for number, event in enumerate(events):
            if '"finish_reason":"' in event:
                chunk = json.loads(event.removeprefix("data: "))
                parts = [{"text": text, "characters": 10, "limit": 280, "fits": True} for text in PARTS]
                chunk["choices"][0]["delta"] |= {
                    "draft": {"preset": "thread", "parts": parts},
                    "notices": [
                        {"code": "link_failed", "detail": "paper.pdf could not be read: it is too long."}
                    ],
                }
                events[number] = f"data: {json.dumps(chunk)}"
        await route.fulfill(response=response, body="\n\n".join(events))

    async def _drafts(self, route: Route) -> None:
        request = route.request
        body = json.loads(request.post_data or "{}")
        name = request.url.rsplit("/", 1)[-1]
        if request.method == "POST":
            name = f"draft-{len(self.drafts) + 1}"
        if request.method == "DELETE":
            del self.drafts[name]
            await route.fulfill(status=204)
        elif request.method == "GET":
            await route.fulfill(json={"drafts": list(self.drafts.values())})
        else:
            known = self.drafts.get(name, {"generated": None})
            self.drafts[name] = known | body | {"draft_id": name, "updated_at": NOW.isoformat()}
            await route.fulfill(json=self.drafts[name], status=201 if request.method == "POST" else 200)

    async def _twins(self, route: Route) -> None:
        steps = [
            {"stage": "trained", "at": NOW.isoformat(), "who": "trainer", "why": "25 steps, loss 3.25"},
            {
                "stage": self.stage,
                "at": NOW.isoformat(),
                "who": "gate",
                "why": "closer to the author than the base",
            },
        ]
        model = {
            "id": "ada-0c33d1",
            "stage": self.stage,
            "served_name": None,
            "share": 0.0,
            "created_at": NOW.isoformat(),
            "erased_sources": [],
            "base_model": "SmolLM2-135M-Instruct",
            "dataset_id": "ada-5e1f00c2a7d94b10",
            "figures": {"perplexity": 37.2, "base_perplexity": 48.2, "style_distance": 0.81},
            "history": steps,
            "curves": [
                {
                    "name": "sft",
                    "points": [
                        {
                            "step": step,
                            "loss": 3.7 - step / 50,
                            "held_out_loss": 4 - step / 50 if step % 5 == 0 else None,
                        }
                        for step in range(1, 26)
                    ],
                },
                {"name": "dpo", "points": [{"step": 1, "loss": 0.693}, {"step": 2, "loss": 0.512}]},
            ],
        }
        training = {
            "id": "ada-77f0aa",
            "dataset_id": "ada-5e1f00c2a7d94b10",
            "base_model": "SmolLM2-135M-Instruct",
            "state": "running",
            "reason": None,
            "progress": {"phase": "sft", "step": 12, "steps": 25, "seconds_left": 340.0},
            "created_at": NOW.isoformat(),
        }
        await route.fulfill(json={"twins": [model], "trainings": [training]})

    async def _models(self, route: Route) -> None:
        action = route.request.url.rsplit("/", 1)[-1]
        if action == "report":
            text = "# Evaluation\n\n| figure | base | twin |\n|---|---|---|\n| perplexity | 48.2 | 37.2 |\n"
            await route.fulfill(body=text, content_type="text/markdown")
            return
        self.decisions.append((action, json.loads(route.request.post_data or "{}")))
        self.stage = {"approve": "approved", "reject": "rejected"}.get(action, "rolled_back")
        await route.fulfill(json={})
