"""An author of a lighthouse's log, as the rest of the platform would have left it behind."""

from typing import Any
from uuid import uuid4

from twin_common.authors import Author
from twin_common.clock import utc_now
from twin_common.documents import Category, DocumentDraft, HeadStatus, StageTimes
from twin_common.events import CrawlCounts, CrawlReported, DatasetReady, LinkError, LinkReport, OutcomeCounts
from twin_common.models import (
    JobProgress,
    LearningCurve,
    LearningPoint,
    ModelRecord,
    ModelStage,
    StageChange,
    TrainingJob,
)
from twin_common.warehouse import DatasetRecord, ModelReport, Warehouse

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
_DATASET = "ada-5e1f00c2a7d94b10"
_BASE = "SmolLM2-135M-Instruct"


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
    await _start_training(warehouse)


def _draft(path: str, title: str, text: str) -> DocumentDraft:
    url = f"https://{ADA}.example{path}"
    return DocumentDraft.at(ADA, url, category=Category.ARTICLE, title=title, text=text)


def _dataset() -> DatasetRecord:
    event = DatasetReady(
        dataset_id=_DATASET,
        author_id=ADA,
        content_hash="5e1f",
        location=_DATASET,
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


async def train(warehouse: Warehouse) -> str:
    """A model that waits for a decision, as `trainer` leaves it behind; its name."""
    model_id = f"ada-{uuid4().hex[:6]}"
    steps = (
        (ModelStage.TRAINED, "trainer", "25 steps, loss 3.25"),
        (ModelStage.EVALUATED, "gate", "closer to the author than the base"),
    )
    record = ModelRecord(
        model_id=model_id,
        author_id=ADA,
        job_key=model_id,
        dataset_id=_DATASET,
        base_model=_BASE,
        location=f"models/{model_id}",
        figures={"perplexity": 37.2, "base_perplexity": 48.2, "style_distance": 0.81},
        curves=_curves(),
        history=tuple(StageChange(stage=stage, at=utc_now(), who=who, why=why) for stage, who, why in steps),
    )
    text = "# Evaluation\n\n| figure | base | twin |\n|---|---|---|\n| perplexity | 48.2 | 37.2 |\n"
    report = ModelReport(
        model_id=model_id, author_id=ADA, json_text="{}", html="<h1>Evaluation</h1>", markdown=text
    )
    await warehouse.models.add(record, report)
    return model_id


def _curves() -> tuple[LearningCurve, ...]:
    """Losses that fall by a fiftieth a step, held out every fifth step."""
    supervised = [
        LearningPoint(step=step, loss=3.7 - step / 50, held_out_loss=4 - step / 50 if step % 5 == 0 else None)
        for step in range(1, 26)
    ]
    preference = [LearningPoint(step=1, loss=0.693), LearningPoint(step=2, loss=0.512)]
    return (
        LearningCurve(name="sft", points=tuple(supervised)),
        LearningCurve(name="dpo", points=tuple(preference)),
    )


async def _start_training(warehouse: Warehouse) -> None:
    """A training that is half way."""
    job = TrainingJob(
        job_key="7" * 64,
        author_id=ADA,
        dataset_id=_DATASET,
        dataset_location=_DATASET,
        base_model=_BASE,
        configuration="{}",
        requested_by="test",
        created_at=NOW,
    )
    await warehouse.training_jobs.put(job)
    await warehouse.training_jobs.claim(job, "trainer")
    progress = JobProgress(phase="sft", step=12, steps=25, seconds_left=340.0)
    await warehouse.training_jobs.renew(job.job_key, "trainer", progress)
