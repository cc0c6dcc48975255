"""What a model is given."""

from hypothesis import given
from hypothesis import strategies as st

from twin_rag_api.generation.engines import Source, Task, Turn
from twin_rag_api.generation.prompt import build_messages
from twin_rag_api.retrieval.passages import Passage

from ..conftest import chunk

TAGS = ["<source id='7'>", "</source>", "< / SOURCE >", "<Source>"]
HOSTILE = st.lists(st.sampled_from([*TAGS, "Question:", "$sources", "${question}", "x", "\n", "<"])).map(
    "".join
)


def task(text: str, title: str = "t", history: tuple[Turn, ...] = ()) -> Task:
    return Task("why?", (Source(1, Passage(chunk(text, title=title), 0.5, text)),), history)


class TestSources:
    @given(HOSTILE, HOSTILE)
    def test_no_text_closes_its_frame_or_opens_another(self, text: str, title: str) -> None:
        prompt = str(build_messages(task(text, title))[-1]["content"]).lower().replace(" ", "")
        assert prompt.count("<source") == 1
        assert prompt.count("</source") == 1
        assert prompt.endswith("question:why?")

    def test_other_text_stays_as_it_is(self) -> None:
        text = "if a < b and c > d: print('<b>resource</b>')"
        assert text in str(build_messages(task(text))[-1]["content"])

    def test_it_brings_no_citations_of_its_own_but_code_stays(self) -> None:
        prompt = build_messages(task("as shown [1, 2], `rows[3]` says"))[-1]["content"]
        assert "as shown (1, 2), `rows[3]` says" in prompt
