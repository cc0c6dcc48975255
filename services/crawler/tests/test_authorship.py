"""Whose words a page holds: a table of cases."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twin_common.documents import Authorship
from twin_crawler.authorship import decide_authorship

OWNER = ("Ada Stone", "Ada S. Writes", "José Núñez")


class TestDecideAuthorship:
    @pytest.mark.parametrize(
        ("named", "authorship"),
        [
            (["Ada Stone"], "owner"),
            (["ada stone"], "owner"),
            (["  Ada   STONE "], "owner"),
            (["By Ada Stone"], "owner"),
            (["Stone, Ada"], "owner"),
            (["A. Stone"], "owner"),
            (["adastone"], "owner"),
            (["@ada-stone"], "owner"),
            (["ada_stone"], "owner"),
            (["ada@stone.example (Ada Stone)"], "owner"),
            (["Ada S. Writes"], "owner"),
            (["Jose Nunez"], "owner"),
            (["Jose\u0301 Nu\u0301n\u0303ez"], "owner"),
            (["Ada Stone", "Ada Stone"], "owner"),
            (["Ben Reed"], "other"),
            (["Ada Reed"], "other"),
            (["B. Stone"], "other"),
            (["Stone"], "other"),
            (["Ada"], "other"),
            (["Adastonex"], "other"),
            (["Guest post by Ben Reed"], "other"),
            (["Ben Reed, Cleo Marsh"], "other"),
            (["Ada Stone", "Ben Reed"], "unclear"),
            (["Ada Stone and Ben Reed"], "unclear"),
            (["Ada Stone & Ben Reed"], "unclear"),
            (["Ada Stone, Ben Reed"], "unclear"),
        ],
    )
    @pytest.mark.parametrize("several", [False, True])
    def test_by_the_names_on_the_page(self, named: list[str], authorship: str, several: bool) -> None:
        assert decide_authorship(named, OWNER, has_several_authors=several) == authorship

    @pytest.mark.parametrize("named", [[], [""], ["admin"], ["Guest Author"], ["team@example.org"], ["—"]])
    def test_without_a_name_by_the_place(self, named: list[str]) -> None:
        assert decide_authorship(named, OWNER) is Authorship.OWNER
        assert decide_authorship(named, OWNER, has_several_authors=True) is Authorship.UNCLEAR

    @given(st.lists(st.text(max_size=40), max_size=4))
    def test_nobody_is_the_owner_whose_name_is_unknown(self, named: list[str]) -> None:
        if decide_authorship(named, ()) is Authorship.OWNER:
            assert decide_authorship(named, (), has_several_authors=True) is Authorship.UNCLEAR

    @given(st.text(max_size=40))
    def test_who_is_named_with_the_owner_is_not_alone(self, other: str) -> None:
        alone, together = decide_authorship([other], OWNER), decide_authorship(["Ada Stone", other], OWNER)
        assert together is (Authorship.OWNER if alone is Authorship.OWNER else Authorship.UNCLEAR)
