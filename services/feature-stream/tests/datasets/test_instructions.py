import pytest

from twin_common.documents import Category, DocumentHead
from twin_feature_stream.datasets.instructions import announced_articles, instruct
from twin_feature_stream.datasets.passages import PassagePolicy, passages
from twin_feature_stream.datasets.samples import Kind, Sample

from .material import article, document_id, head, post, prose

_CODE = 'def add(a, b):\n    """Add two numbers, slowly."""\n    total = a + b\n    return total\n'


def instructed(*documents: DocumentHead, seed: int = 1) -> list[Sample]:
    articles = announced_articles(documents)
    pieces = [piece for document in documents for piece in passages(document, PassagePolicy())]
    found = [instruct(piece, articles, seed) for piece in pieces]
    return [sample for sample in found if sample is not None]


@pytest.fixture
def articles() -> list[DocumentHead]:
    return [article(f"number{number}", sections=6) for number in range(30)]


def test_every_answer_is_the_owners_own_text(articles: list[DocumentHead]) -> None:
    texts = {document.document_id: document.text for document in articles}
    samples = instructed(*articles)
    assert len(samples) == 180
    assert all(sample.answer in texts[sample.origin.document_id] for sample in samples)


def test_articles_give_several_kinds_in_many_wordings(articles: list[DocumentHead]) -> None:
    samples = instructed(*articles)
    kinds = {sample.kind for sample in samples}
    assert kinds == {Kind.WRITE, Kind.CONTINUE, Kind.OUTLINE, Kind.EXPLAIN}
    openings = {" ".join(sample.instruction.split()[:2]) for sample in samples}
    assert len(openings) >= 15
    assert len({sample.instruction for sample in samples}) == len(samples)


def test_the_same_seed_gives_the_same_and_new_documents_change_nothing(articles: list[DocumentHead]) -> None:
    few = instructed(*articles[:10])
    assert instructed(*articles[:10]) == few
    assert instructed(*articles)[: len(few)] == few
    assert instructed(*articles[:10], seed=2) != few


def test_what_is_to_be_continued_is_not_in_the_answer(articles: list[DocumentHead]) -> None:
    continued = [sample for sample in instructed(*articles) if sample.kind is Kind.CONTINUE]
    assert continued
    for sample in continued:
        shown = max(sample.instruction.split("\n\n"), key=len)
        assert shown not in sample.answer
        assert sample.answer


def test_a_post_that_names_an_article_is_one_about_it() -> None:
    about = article("the-long-way-to-kafka", title="The long way to Kafka")
    by_address = post("short")
    by_address = by_address.model_copy(update={"text": f"{by_address.text} {about.url.upper()}"})
    by_title = post("other")
    by_title = by_title.model_copy(update={"text": f"New: the long way to Kafka! {by_title.text}"})
    samples = instructed(about, by_address, by_title, post("third"))
    kinds = {sample.origin.document_id: sample.kind for sample in samples}
    assert kinds[document_id("short")] is kinds[document_id("other")] is Kind.POST_FROM_ARTICLE
    assert kinds[document_id("third")] is not Kind.POST_FROM_ARTICLE
    (told,) = (sample for sample in samples if sample.origin.document_id == document_id("short"))
    assert "The long way to Kafka" in told.instruction


def test_numbered_parts_make_a_thread() -> None:
    text = "\n\n".join(f"{number}/ {prose(number, sentences=2)}" for number in range(1, 5))
    (sample,) = instructed(head("thread", text, category=Category.POST))
    assert sample.kind is Kind.THREAD


def test_code_is_written_from_its_docstring() -> None:
    code = head("code", _CODE, category=Category.CODE, metadata={"language": "Python"})
    (sample,) = instructed(code)
    assert sample.kind is Kind.CODE_FROM_DOCSTRING
    assert "Add two numbers, slowly." in sample.instruction
    assert "Python" in sample.instruction
    assert sample.answer == _CODE.rstrip()


def test_a_question_as_heading_is_asked_as_it_is() -> None:
    documents = [
        head(f"q{number}", f"## Why is {number} odd?\n\n{prose(number)}") for number in range(1, 60, 2)
    ]
    explained = [sample for sample in instructed(*documents) if sample.kind is Kind.EXPLAIN]
    assert explained
    assert all("odd?" in sample.instruction and "odd?." not in sample.instruction for sample in explained)


def test_of_another_language_it_says_in_which() -> None:
    samples = instructed(article("german", language="de-DE"))
    assert all(sample.instruction.endswith("Write in German.") for sample in samples)


@pytest.mark.parametrize("text", ["", "?", "\U0001f680", "# \n\n## \n\n-", "[]()", "{topic} {0} {}"])
@pytest.mark.parametrize("category", list(Category))
def test_odd_texts_are_no_error(category: Category, text: str) -> None:
    instructed(head("odd", text, category=category, title="{title}"))
