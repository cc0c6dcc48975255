from pathlib import Path

import pytest
from pydantic import ValidationError

from services.trainer.tests.test_experiments import trained
from twin_trainer.config import TrainingConfiguration
from twin_trainer.progress import TrainedAdapter
from twin_trainer.search import (
    DEFAULT_FILE,
    Grid,
    NothingHeldOut,
    UnreadableGrid,
    combinations,
    default_configuration,
    read_grid,
    search,
)

_GRID: Grid = {"sft.learning_rate": [1e-4, 3e-4], "lora.rank": [8, 16, 32]}


class TestCombinations:
    """Every value with every other."""

    def test_reach_into_parts(self) -> None:
        found = [
            (one.sft.learning_rate, one.lora.rank) for one in combinations(TrainingConfiguration(), _GRID)
        ]
        assert found == [(rate, rank) for rate in (1e-4, 3e-4) for rank in (8, 16, 32)]

    @pytest.mark.parametrize("grid", [{"sft.speed": [1]}, {"lora.rank": [0]}, {"nothing": [1]}])
    def test_what_does_not_exist_is_refused(self, grid: Grid) -> None:
        with pytest.raises(ValidationError):
            list(combinations(TrainingConfiguration(), grid))


class TestReading:
    """A grid as a person writes it."""

    def test_has_values_of_their_own_kinds(self) -> None:
        texts = ["sft.learning_rate=1e-4,3e-4", 'method="lora","full"', "packing=true"]
        assert read_grid(texts, TrainingConfiguration()) == {
            "sft.learning_rate": [1e-4, 3e-4],
            "method": ["lora", "full"],
            "packing": [True],
        }

    @pytest.mark.parametrize(
        "text",
        ["lora.rank", "lora.rank=", "lora.rank=eight", "lora.rank=0", "nothing=1", "seed.more=1", "=1"],
    )
    def test_what_cannot_be_tried_is_refused(self, text: str) -> None:
        with pytest.raises(UnreadableGrid, match="cannot try"):
            read_grid([text], TrainingConfiguration())


class TestSearch:
    """The best held-out loss wins and becomes the default."""

    def test_keeps_the_best(self, tmp_path: Path) -> None:
        def train(configuration: TrainingConfiguration) -> TrainedAdapter:
            return trained(abs(configuration.lora.rank - 16) + configuration.sft.learning_rate)

        trials = search(TrainingConfiguration(), _GRID, train, tmp_path)
        best = default_configuration(tmp_path, TrainingConfiguration())
        assert (best.lora.rank, best.sft.learning_rate) == (16, 1e-4)
        assert trials[0].configuration == best
        assert len(trials) == 6

    def test_without_one_the_given_stays(self, tmp_path: Path) -> None:
        given = TrainingConfiguration(seed=3)
        assert default_configuration(tmp_path, given) == given

    def test_the_best_for_another_base_model_is_no_default(self, tmp_path: Path) -> None:
        search(TrainingConfiguration(), _GRID, lambda _: trained(1.0), tmp_path)
        other = TrainingConfiguration(base_model="another")
        assert default_configuration(tmp_path, other) == other

    def test_what_cannot_be_read_is_no_default(self, tmp_path: Path) -> None:
        (tmp_path / DEFAULT_FILE).write_text('{"gone": 1}')
        assert default_configuration(tmp_path, TrainingConfiguration()) == TrainingConfiguration()

    def test_needs_something_held_out(self, tmp_path: Path) -> None:
        with pytest.raises(NothingHeldOut, match="held out"):
            search(TrainingConfiguration(), _GRID, lambda _: trained(None), tmp_path)
