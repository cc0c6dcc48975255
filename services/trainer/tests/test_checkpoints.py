import shutil
from pathlib import Path

import pytest

from twin_trainer.checkpoints import is_complete, keep_only, newest_complete, seal


def _checkpoint(folder: Path, step: int) -> Path:
    checkpoint = folder / f"checkpoint-{step}"
    checkpoint.mkdir(parents=True)
    (checkpoint / "adapter_model.safetensors").write_bytes(b"weights of step %d" % step)
    (checkpoint / "optimizer.pt").write_bytes(b"moments")
    return checkpoint


class TestSealing:
    """Only a folder whose files are what was sealed counts as whole."""

    def test_a_sealed_folder_is_complete(self, tmp_path: Path) -> None:
        checkpoint = _checkpoint(tmp_path, 5)
        assert not is_complete(checkpoint)
        seal(checkpoint)
        assert is_complete(checkpoint)

    @pytest.mark.parametrize("damage", ["missing", "cut", "changed", "unsealed"])
    def test_a_damaged_folder_is_not(self, tmp_path: Path, damage: str) -> None:
        checkpoint = _checkpoint(tmp_path, 5)
        seal(checkpoint)
        weights = checkpoint / "adapter_model.safetensors"
        match damage:
            case "missing":
                weights.unlink()
            case "cut":
                weights.write_bytes(weights.read_bytes()[:-1])
            case "changed":
                weights.write_bytes(weights.read_bytes()[:-1] + b"6")
            case "unsealed":
                (checkpoint / "COMPLETE").unlink()
        assert not is_complete(checkpoint)


class TestChoosing:
    """A resumption starts from the newest whole checkpoint, and leaves no half one in its way."""

    def test_the_newest_by_number(self, tmp_path: Path) -> None:
        for step in (9, 10, 100):
            seal(_checkpoint(tmp_path, step))
        assert newest_complete(tmp_path) == tmp_path / "checkpoint-100"

    def test_half_ones_are_removed(self, tmp_path: Path) -> None:
        seal(_checkpoint(tmp_path, 5))
        _checkpoint(tmp_path, 10)
        assert newest_complete(tmp_path) == tmp_path / "checkpoint-5"
        assert not (tmp_path / "checkpoint-10").exists()

    def test_none_where_there_is_none(self, tmp_path: Path) -> None:
        assert newest_complete(tmp_path / "nothing") is None

    def test_the_best_outlives_the_newer(self, tmp_path: Path) -> None:
        best, middle, newest = (_checkpoint(tmp_path, step) for step in (5, 10, 15))
        shutil.copytree(best, tmp_path / "other")
        keep_only(tmp_path, newest, best)
        assert not middle.exists()
        assert {path.name for path in tmp_path.iterdir()} == {"checkpoint-5", "checkpoint-15", "other"}
