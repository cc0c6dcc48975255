"""Tokens a second and model FLOPs utilisation of both stages on a GPU, for a preset or a configuration file.

`accelerate launch` starts it on several GPUs. Needs the dependency group `train`, and for qlora bitsandbytes.
"""

import argparse
import sys
import tempfile
from pathlib import Path

import pyarrow as arrow  # type: ignore[import-untyped]
import torch
from pyarrow import parquet
from transformers import AutoConfig

sys.path.append(str(Path(__file__).parents[1]))
from results import write_result

from twin_trainer.base_model import inspect_base
from twin_trainer.config import TrainingConfiguration, preset, preset_names, read_configuration
from twin_trainer.dpo import train_dpo
from twin_trainer.estimate import flops_a_token
from twin_trainer.model_shape import model_shape
from twin_trainer.progress import TrainedAdapter
from twin_trainer.sft import train_sft

_PEAK_FLOPS = {"H200": 989e12, "H100": 989e12, "A100": 312e12, "L40S": 362e12, "L4": 121e12, "A10": 125e12}
"""Dense bf16, as the maker's data sheets give it."""
_TEXT = "The ferry leaves the quay at seven and comes back when the fog allows it, which is its own affair. "


def measure(configuration: TrainingConfiguration, steps: int, peak_flops: float) -> dict[str, float]:
    """Figures of both stages, each of so many steps over samples of full length."""
    limits = {"max_steps": steps, "evaluations": 2}
    configuration = configuration.model_copy(
        update={
            "sft": configuration.sft.model_copy(update=limits),
            "dpo": configuration.dpo.model_copy(update=limits),
        }
    )
    shape = model_shape(configuration, AutoConfig.from_pretrained(inspect_base(configuration)))
    with tempfile.TemporaryDirectory() as folder:
        samples = steps * configuration.micro_batch * configuration.accumulation
        rows = _rows(Path(folder) / "rows", samples, configuration.max_length)
        adapter = train_sft(configuration, rows, Path(folder) / "job", print)
        preferring = train_dpo(configuration, adapter, rows, Path(folder) / "job", print)
    flops = flops_a_token(configuration, shape)
    return _figures(adapter, flops, peak_flops) | _figures(preferring, flops, peak_flops)


def _figures(stage: TrainedAdapter, flops_of_a_token: float, peak_flops: float) -> dict[str, float]:
    return {
        f"{stage.stage}_tokens_per_second": stage.tokens_per_second,
        f"{stage.stage}_model_flops_utilisation": stage.tokens_per_second * flops_of_a_token / peak_flops,
        f"{stage.stage}_peak_memory_bytes": stage.peak_memory_bytes,
        f"{stage.stage}_micro_batch": stage.micro_batch,
    }


def _rows(folder: Path, samples: int, length: int) -> Path:
    """Answers of about a full sequence each."""
    prompts = [[{"role": "user", "content": f"Write note {number}."}] for number in range(samples)]
    answers = [[{"role": "assistant", "content": _TEXT * (length // 20)}] for _ in range(samples)]
    for kind, columns in (
        ("instruct", {"prompt": prompts, "completion": answers}),
        ("preference", {"prompt": prompts, "chosen": answers, "rejected": answers[::-1]}),
    ):
        (folder / kind).mkdir(parents=True)
        parquet.write_table(arrow.table(columns), folder / kind / "train.parquet")
    return folder


def main() -> None:
    """Measure, and write the result."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--preset", choices=preset_names(), default="8b")
    parser.add_argument("--configuration", type=Path, help="a TOML file, instead of a preset")
    parser.add_argument("--steps", type=int, default=20)
    arguments = parser.parse_args()
    if not torch.cuda.is_available():
        sys.exit("no GPU here; bench/training.py measures on a processor")
    device = torch.cuda.get_device_name()
    known = [flops for name, flops in _PEAK_FLOPS.items() if name in device]
    if not known:
        sys.exit(f"peak speed of {device} unknown: add it to _PEAK_FLOPS")
    chosen = arguments.configuration
    configuration = read_configuration(chosen) if chosen else preset(arguments.preset)
    write_result(f"gpu_training_{arguments.preset}", measure(configuration, arguments.steps, known[0]))


if __name__ == "__main__":
    main()
