"""How long a text is for its platform, and what is pasted."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twin_rag_api.writing.limits import count_characters, parts_of, without_citations
from twin_rag_api.writing.presets import instruction, presets

POST, THREAD = presets()["post"], presets()["thread"]


class TestCount:
    @pytest.mark.parametrize(
        ("text", "count"),
        [
            ("tides", 5),
            ("Grüße", 5),
            ("海", 2),
            ("see https://ada.example/" + "x" * 100, 4 + 23),
            ("“quoted” – so", 13),
        ],
    )
    def test_x_weighs(self, text: str, count: int) -> None:
        assert count_characters(text, THREAD) == count

    def test_linkedin_counts_characters(self) -> None:
        assert count_characters("海" * 10, POST) == 10


class TestParts:
    def test_a_post_is_one_part_without_citations_and_says_whether_it_fits(self) -> None:
        [part] = parts_of(POST, "Tides turn [1]. Lamps glow [2, 3].")
        assert (part.text, part.limit, part.fits) == ("Tides turn. Lamps glow.", 3000, True)
        [long] = parts_of(POST, "x" * 3001)
        assert not long.fits

    @pytest.mark.parametrize(
        "text",
        [
            "1/ Tides turn.\n\n2/ Lamps glow.",
            "1/ Tides turn.\n2/ Lamps glow.",
            "1/ Tides turn.\n\n---\n\n2/ Lamps glow.",
        ],
    )
    def test_a_thread_is_its_posts(self, text: str) -> None:
        assert [part.text for part in parts_of(THREAD, text)] == ["1/ Tides turn.", "2/ Lamps glow."]

    @given(st.text(alphabet="ab .!\n/1海h", max_size=900))
    def test_every_post_of_a_thread_fits_and_no_word_is_lost(self, text: str) -> None:
        parts = parts_of(THREAD, text)
        assert all(part.fits for part in parts)
        assert "".join("".join(part.text.split()) for part in parts) == "".join(
            without_citations(text).split()
        )

    def test_code_keeps_its_brackets(self) -> None:
        assert without_citations("`rows[1]` holds [1]\n```\na[2]\n```") == "`rows[1]` holds\n```\na[2]\n```"


class TestPresets:
    @pytest.mark.parametrize("preset", presets().values(), ids=lambda preset: preset.name)
    def test_each_puts_idea_and_skeleton_into_its_instruction_word_for_word(self, preset: object) -> None:
        from twin_rag_api.writing.presets import Preset

        assert isinstance(preset, Preset)
        idea, skeleton = "tides {skeleton} $form", "one\ntwo {idea}"
        assert idea in instruction(preset, idea, None)
        whole = instruction(preset, idea, skeleton)
        assert idea in whole
        assert skeleton in whole

    def test_the_platforms_limits(self) -> None:
        assert {name: preset.characters for name, preset in presets().items()} == {
            "post": 3000,
            "thread": 280,
            "article": None,
            "reply": 1250,
            "outline": None,
            "code": None,
        }
