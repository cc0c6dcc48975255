"""In what language a text is."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twin_crawler.languages import decide_language

TEXTS = {
    "en": "The reader keeps its place in the log by itself, so it may read everything twice without harm.",
    "de": "Der Leser merkt sich selbst, wie weit er gelesen hat, und darf alles ohne Schaden zweimal lesen.",
    "fr": "Le lecteur retient lui-même jusqu'où il a lu, et peut tout relire deux fois sans aucun dommage.",
    "es": "El lector recuerda por sí mismo hasta dónde ha leído, y puede leerlo todo dos veces sin daño.",
    "ru": "Читатель сам помнит, до какого места он дочитал, и поэтому может без вреда прочесть всё дважды.",
    "pl": "Czytelnik sam pamięta, dokąd przeczytał, i dlatego może bez szkody przeczytać wszystko dwa razy.",
    "ja": "読者は自分でどこまで読んだかを覚えているので、すべてを二度読んでも害はありません。自由です。",
}


class TestDecideLanguage:
    @pytest.mark.parametrize(("language", "text"), TEXTS.items())
    def test_of_a_text_that_declares_none(self, language: str, text: str) -> None:
        assert decide_language(text) == language

    @pytest.mark.parametrize("language", ["de", "fr", "es", "ru", "pl"])
    def test_a_template_that_declares_another_one_is_overruled_by_a_long_text(self, language: str) -> None:
        text = "\n\n".join([TEXTS[language]] * 6)
        assert decide_language(text, "en") == language
        assert decide_language(text, language) == language

    def test_a_short_text_overrules_nothing(self) -> None:
        assert decide_language(TEXTS["de"], "en") == "en"

    @pytest.mark.parametrize(
        "text", ["", "OK.", "12 34 56 " * 50, "```python\nfor leser in protokoll:\n    pass\n```"]
    )
    def test_what_is_no_evidence(self, text: str) -> None:
        assert decide_language(text) is None
        assert decide_language(text, "de") == "de"

    def test_code_and_addresses_are_not_read(self) -> None:
        code = "```python\nfor reader in the_log_of_all_readers:\n    print(reader)\n```\n\n" * 20
        link = "https://example.org/the-reader-keeps-its-place " * 20
        assert decide_language(f"{code}{TEXTS['de']} {link}") == "de"

    def test_neighbours_are_left_to_the_declaration(self) -> None:
        text = "Dette er en setning om logger og lesere, og den handler ikke om noe annet enn det. " * 6
        assert decide_language(text, "nb") == "nb"
        assert decide_language(text, "no") == "no"

    @given(st.text(max_size=300), st.sampled_from([None, "en"]))
    def test_any_text(self, text: str, declared: str | None) -> None:
        found = decide_language(text, declared)
        assert found is None or found.islower()
