"""From rows to a merged model, with a model small enough to be trained here for real."""

from pathlib import Path

import pyarrow as pa  # type: ignore[import-untyped]
import pytest
from pyarrow import parquet
from safetensors.torch import load_file

from twin_trainer.base_model import resolve_base
from twin_trainer.config import Method, Stage, TrainingConfiguration
from twin_trainer.dpo import train_dpo
from twin_trainer.merge import MergeMismatch, merge
from twin_trainer.progress import Progress
from twin_trainer.rows import NoRows
from twin_trainer.sft import train_sft
from twin_trainer.testing.tiny_model import write_tiny_model, write_tiny_rows


@pytest.fixture(scope="module")
def rows(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tiny_rows(tmp_path_factory.mktemp("rows"))


def _configuration(base: Path, method: Method) -> TrainingConfiguration:
    return TrainingConfiguration(
        base_model=str(base),
        method=method,
        max_length=128,
        micro_batch=4,
        accumulation=1,
        sft=Stage(learning_rate=1e-2, epochs=4, evaluations=2),
        dpo=Stage(learning_rate=2e-3, epochs=2, evaluations=2),
    )


class TestLearning:
    """Both stages lower the held-out loss, and only what should change does."""

    @pytest.mark.parametrize("method", [Method.LORA, Method.FULL])
    def test_both_stages_learn_and_merge(self, tmp_path: Path, rows: Path, method: Method) -> None:
        base = write_tiny_model(tmp_path / "base")
        configuration = _configuration(base, method)
        weights_before = (base / "model.safetensors").read_bytes()
        told: list[Progress] = []

        adapter = train_sft(configuration, rows, tmp_path / "job", told.append)
        preferring = train_dpo(configuration, adapter, rows, tmp_path / "job", told.append)

        losses = [point.loss for point in adapter.curve if point.loss is not None]
        held_out = [point.held_out_loss for point in adapter.curve if point.held_out_loss is not None]
        assert losses[-1] < losses[0]
        assert held_out[-1] < held_out[0]
        assert adapter.steps == 16
        assert preferring.held_out_loss is not None
        assert preferring.held_out_loss < 0.69  # of a model without preference: ln 2
        assert [entry.stage for entry in told] == sorted((entry.stage for entry in told), reverse=True)
        assert (base / "model.safetensors").read_bytes() == weights_before
        for stage in (adapter, preferring):
            check = merge(resolve_base(configuration), stage.folder, tmp_path / f"merged-{stage.stage}")
            assert check.largest_difference <= check.limit
        merged = load_file(tmp_path / "merged-dpo" / "model.safetensors")
        original = load_file(base / "model.safetensors")
        name = "model.layers.0.mlp.up_proj.weight"
        assert not merged[name].equal(original[name])

    def test_leaves_no_pickle(self, tmp_path: Path, rows: Path) -> None:
        configuration = _configuration(write_tiny_model(tmp_path / "base"), Method.LORA)
        adapter = train_sft(configuration, rows, tmp_path / "job", lambda _: None)
        left = {path.suffix for path in (tmp_path / "job").rglob("*") if path.is_file()}
        assert left <= {"", ".json", ".jinja", ".safetensors"}
        assert str(tmp_path / "job") not in (adapter.folder / "adapter_config.json").read_text()


class TestPromptsWithoutRoom:
    """A prompt that fills the window leaves no room for the answer that is preferred."""

    @staticmethod
    def _lengthen(rows: Path, split: str) -> None:
        path = rows / f"preference/{split}.parquet"
        pairs = parquet.read_table(path).to_pylist()
        for pair in pairs:
            pair["prompt"][-1]["content"] += " and again" * 200
        parquet.write_table(pa.Table.from_pylist(pairs), path)

    def test_held_out_ones_are_not_measured(self, tmp_path: Path) -> None:
        rows = write_tiny_rows(tmp_path / "rows")
        self._lengthen(rows, "test")
        configuration = _configuration(write_tiny_model(tmp_path / "base"), Method.LORA)
        adapter = train_sft(configuration, rows, tmp_path / "job", lambda _: None)
        preferring = train_dpo(configuration, adapter, rows, tmp_path / "job", lambda _: None)
        assert preferring.steps > 0
        assert preferring.held_out_loss is None

    def test_where_there_are_no_others_nothing_is_learnt(self, tmp_path: Path) -> None:
        rows = write_tiny_rows(tmp_path / "rows")
        self._lengthen(rows, "train")
        configuration = _configuration(write_tiny_model(tmp_path / "base"), Method.LORA)
        adapter = train_sft(configuration, rows, tmp_path / "job", lambda _: None)
        with pytest.raises(NoRows, match="less than 128 tokens: raise max_length"):
            train_dpo(configuration, adapter, rows, tmp_path / "job", lambda _: None)


class TestMergeMismatch:
    """A merge that says something else than base and adapter does not come into being."""

    def test_is_refused(self, tmp_path: Path, rows: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        configuration = _configuration(write_tiny_model(tmp_path / "base"), Method.LORA)
        adapter = train_sft(configuration, rows, tmp_path / "job", lambda _: None)
        monkeypatch.setattr("peft.LoraModel.merge_and_unload", lambda model, **_: model.unload())
        with pytest.raises(MergeMismatch, match="nats"):
            merge(resolve_base(configuration), adapter.folder, tmp_path / "merged")
        assert not (tmp_path / "merged").exists()
