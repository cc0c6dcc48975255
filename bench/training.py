"""How much of a bare loop's speed the trainer keeps: the same model, adapter, batch size and precision.

The two take turns, since other work on the machine comes and goes. Compared is the processor time of the
median step; the sum over all has two checkpoints in a dozen steps, where a real stage has five in hundreds.
Needs the dependency group `train`.
"""

import argparse
import tempfile
import time
from multiprocessing import get_context
from pathlib import Path
from statistics import median

import pyarrow as arrow  # type: ignore[import-untyped]
import torch
from peft import get_peft_model
from pyarrow import parquet
from results import write_result

from twin_trainer.adapters import adapter_configuration
from twin_trainer.base_model import resolve_base
from twin_trainer.config import Stage, TrainingConfiguration
from twin_trainer.loading import load_model
from twin_trainer.progress import Progress
from twin_trainer.sft import train_sft

_TEXT = "The ferry leaves the quay at seven and comes back when the fog allows it, which is its own affair. "


class _BareLoop:
    """Forward, backward and step, and nothing else."""

    def __init__(self, configuration: TrainingConfiguration) -> None:
        torch.manual_seed(configuration.seed)
        base = load_model(configuration, resolve_base(configuration).folder)
        self._model = get_peft_model(base, adapter_configuration(configuration))
        self._model.train()
        weights = [weight for weight in self._model.parameters() if weight.requires_grad]
        self._optimizer = torch.optim.AdamW(weights, lr=configuration.sft.learning_rate)
        shape = (configuration.micro_batch, configuration.max_length)
        self._tokens = torch.randint(1000, 40000, shape, device=self._model.device)

    def step(self) -> None:
        mask = torch.ones_like(self._tokens)
        self._model(input_ids=self._tokens, attention_mask=mask, labels=self._tokens).loss.backward()
        torch.nn.utils.clip_grad_norm_(self._model.parameters(), 1.0)
        self._optimizer.step()
        self._optimizer.zero_grad()


class _Turns:
    """Called after each of the trainer's steps: takes its time, then lets the bare loop make one."""

    def __init__(self, bare: _BareLoop) -> None:
        self._bare = bare
        self._last: tuple[float, float] | None = None
        self.seconds: dict[str, list[float]] = {"trainer": [], "bare": []}
        self.processor_seconds: dict[str, list[float]] = {"trainer": [], "bare": []}

    def __call__(self, progress: Progress) -> None:
        now = _clocks()
        warm = self._last is not None
        if self._last is not None:
            self._add("trainer", self._last, now)
        began = _clocks()
        self._bare.step()
        self._last = _clocks()
        if warm:
            self._add("bare", began, self._last)

    def _add(self, who: str, began: tuple[float, float], ended: tuple[float, float]) -> None:
        self.seconds[who].append(ended[0] - began[0])
        self.processor_seconds[who].append(ended[1] - began[1])


def _clocks() -> tuple[float, float]:
    return time.perf_counter(), time.process_time()


def _rows(folder: Path, samples: int) -> Path:
    """Answers longer than a sequence, so that every batch holds as many tokens."""
    prompts = [[{"role": "user", "content": f"Write note {number}."}] for number in range(samples)]
    completions = [[{"role": "assistant", "content": _TEXT * 30}] for _ in range(samples)]
    (folder / "instruct").mkdir(parents=True)
    table = arrow.table({"prompt": prompts, "completion": completions})
    parquet.write_table(table, folder / "instruct" / "train.parquet")
    return folder


def _peak_memory(configuration: TrainingConfiguration, rows: Path, work: Path) -> int:
    """Of a training alone, in a process of its own."""
    return train_sft(configuration, rows, work, lambda _: None).peak_memory_bytes


def _benchmark(configuration: TrainingConfiguration) -> dict[str, float]:
    steps = configuration.sft.max_steps or 1
    with tempfile.TemporaryDirectory() as folder:
        rows = _rows(Path(folder) / "rows", steps * configuration.micro_batch)
        short = configuration.model_copy(
            update={"sft": configuration.sft.model_copy(update={"max_steps": 2})}
        )
        with get_context("spawn").Pool(1) as pool:
            peak = pool.apply(_peak_memory, (short, rows, Path(folder) / "alone"))
        turns = _Turns(_BareLoop(configuration))
        train_sft(configuration, rows, Path(folder) / "turns", turns)
    trainer, bare = turns.processor_seconds["trainer"], turns.processor_seconds["bare"]
    tokens = configuration.micro_batch * configuration.max_length
    return {
        "ratio_to_bare_loop": median(bare) / median(trainer),
        "ratio_with_checkpoints": sum(bare) / sum(trainer),
        "wall_ratio_to_bare_loop": median(turns.seconds["bare"]) / median(turns.seconds["trainer"]),
        "tokens_per_second": tokens / median(turns.seconds["trainer"]),
        "tokens_per_cpu_second": tokens / median(trainer),
        "bare_tokens_per_cpu_second": tokens / median(bare),
        "steps": len(trainer),
        "checkpoints": configuration.sft.evaluations,
        "peak_memory_bytes": peak,
    }


def main() -> None:
    """Measure, and write the result."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--base-model", default="smollm2-135m")
    parser.add_argument("--steps", type=int, default=12)
    parser.add_argument("--length", type=int, default=128)
    arguments = parser.parse_args()
    configuration = TrainingConfiguration(
        base_model=arguments.base_model,
        max_length=arguments.length,
        micro_batch=2,
        accumulation=1,
        sft=Stage(learning_rate=1e-4, max_steps=arguments.steps, evaluations=2),
    )
    write_result("training", _benchmark(configuration))


if __name__ == "__main__":
    main()
