import pytest

from twin_common.documents import Category
from twin_feature_stream.datasets.passages import PassagePolicy, passages

from .material import article, head, post, prose

_PYTHON = '''import os

LIMIT = 3


def one(x: int) -> int:
    """Give back x, a little later."""
    if x:
        return x
    return 0


class Two:
    @property
    def three(self) -> int:
        """Three."""
        return 3

    async def four(self):
        return 4
'''
_GO = """package main

// Sum adds two numbers
// and gives back the sum.
func Sum(a int, b int) int {
    return a + b
}

var x = 1
"""


def test_every_section_of_an_article_is_a_passage_with_its_heading() -> None:
    found = passages(article("one", sections=3), PassagePolicy())
    assert [passage.heading_path for passage in found] == [(f"Part {n} of one",) for n in range(3)]
    assert [passage.place for passage in found] == [0, 1, 2]
    assert found[0].text == prose("one0")


def test_a_long_section_is_cut_at_paragraphs_and_each_knows_what_stood_before() -> None:
    paragraphs = [prose(number, sentences=5) for number in range(9)]
    found = passages(head("long", "## Long\n\n" + "\n\n".join(paragraphs)), PassagePolicy())
    assert len(found) > 1
    assert "\n\n".join(passage.text for passage in found) == "\n\n".join(paragraphs)
    assert [passage.before for passage in found] == ["", *(passage.text for passage in found[:-1])]
    assert all(160 <= len(passage.text.split()) <= 280 for passage in found[:-1])


def test_a_text_without_paragraphs_is_cut_at_sentences() -> None:
    found = passages(head("wall", prose("wall", sentences=100)), PassagePolicy())
    assert all(len(passage.text.split()) < 320 for passage in found)
    assert all(passage.text.endswith(".") for passage in found)


def test_a_post_is_one_passage() -> None:
    document = post("hello")
    (found,) = passages(document, PassagePolicy())
    assert found.text == document.text
    assert len(found.sentences) == 3


@pytest.mark.parametrize("language", ["Python", "python"])
def test_functions_and_methods_of_python_with_their_docstrings(language: str) -> None:
    code = head("code", _PYTHON, category=Category.CODE, metadata={"language": language})
    found = passages(code, PassagePolicy())
    assert [(passage.name, passage.description) for passage in found] == [
        ("one", "Give back x, a little later."),
        ("Two.three", "Three."),
        ("Two.four", ""),
    ]
    assert found[0].text.startswith("def one(x: int) -> int:")
    assert found[1].text.startswith("@property\ndef three")


def test_declarations_of_other_languages_with_the_comment_above() -> None:
    code = head("code", _GO, category=Category.CODE, metadata={"language": "Go"})
    (found,) = passages(code, PassagePolicy())
    assert (found.name, found.description) == ("Sum", "Sum adds two numbers and gives back the sum.")


@pytest.mark.parametrize("text", ["def broken(:\n  pass", "\x00", "", "é" * 10, "(" * 500])
def test_code_that_does_not_parse_is_no_error(text: str) -> None:
    passages(head("code", text, category=Category.CODE, metadata={"language": "Python"}), PassagePolicy())
