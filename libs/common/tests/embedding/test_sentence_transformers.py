"""The two dense encoders give nearly the same vectors, so that an index may change hands."""

import numpy as np
import pytest

from twin_common.embedding import EmbeddingSettings, load_embedder

_PARAGRAPHS = [
    "A queue is a promise about order. Two consumers that share it break the promise as soon as one is slow.",
    "The crawler asks politely: one request at a time to a host, and never what robots.txt forbids.",
    "Retries without a limit turn a small outage into a large one. Back off, and give up in the open.",
    "```python\ndef merge(left, right):\n    return sorted({*left, *right})\n```",
    "When the index disagrees with the warehouse, the warehouse is right, and reconciling is reading.",
    "I learned to bake bread the year I stopped measuring everything. The dough tells you.",
    "Idempotent writes are cheaper than exactly-once delivery, and they survive the operator at night.",
    "Versions grow by one. Of two versions of a document the higher is the newer, also across a deletion.",
    "The old lighthouse had no keeper any more, only a timer and a solar panel that gulls used as a perch.",
    "SELECT author_id, count(*) FROM documents GROUP BY author_id HAVING count(*) > 10 ORDER BY 2 DESC;",
    "- measure first\n- change one thing\n- measure again\n- write down what you expected and what you saw",
    "Embeddings place a paragraph at a point in space. Nearby points are about nearby things, mostly.",
    "Wer eine Nachricht zweimal bekommt, muss sie erkennen können; sonst zählt er doppelt.",
    "> The best tool is the one whose failure you have already seen.\n\nI keep this quote above my desk.",
    "Short.",
    "A context window is a budget. " * 20,
]


class TestBothAdapters:
    def test_agree_on_real_paragraphs(self) -> None:
        pytest.importorskip("sentence_transformers", reason="needs the dependency group torch")
        ours = load_embedder(EmbeddingSettings())
        theirs = load_embedder(EmbeddingSettings(backend="sentence-transformers"))
        cosines = (ours.embed(_PARAGRAPHS) * theirs.embed(_PARAGRAPHS)).sum(axis=1)
        assert float(np.mean(cosines)) >= 0.999
        assert float(np.min(cosines)) >= 0.997

    def test_share_name_size_window_and_tokens(self) -> None:
        pytest.importorskip("sentence_transformers", reason="needs the dependency group torch")
        ours = load_embedder(EmbeddingSettings())
        theirs = load_embedder(EmbeddingSettings(backend="sentence-transformers"))
        assert (theirs.model_name, theirs.dimensions, theirs.max_tokens) == ("all-MiniLM-L6-v2", 384, 256)
        assert (ours.model_name, ours.dimensions, ours.max_tokens) == ("all-MiniLM-L6-v2", 384, 256)
        assert theirs.count_tokens(_PARAGRAPHS) == ours.count_tokens(_PARAGRAPHS)
