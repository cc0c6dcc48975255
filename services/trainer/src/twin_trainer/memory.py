"""What happens when memory runs out: fewer samples at a time, so many more times that a step sees as many."""

import json
import resource
from dataclasses import asdict, dataclass
from pathlib import Path

from twin_common.errors import TwinError

_SIGNS = ("out of memory", "can't allocate memory", "cublas_status_alloc_failed", "not enough memory")
SHAPE_FILE = "batch.json"
"""In the folder of a stage that has begun."""


class OutOfMemory(TwinError):
    """Not even one sample fits."""


@dataclass(frozen=True)
class BatchShape:
    """How the samples of a step are divided."""

    micro_batch: int
    """Samples at a time."""
    accumulation: int
    """Micro-batches a step."""

    def smaller(self) -> "BatchShape":
        """Half the micro-batch, twice the accumulation; with an odd one the nearest that keeps their product.

        Raises:
            OutOfMemory: the micro-batch is one sample already.
        """
        if self.micro_batch == 1:
            raise OutOfMemory(
                "memory ran out with one sample at a time: lower max_length, set gradient_checkpointing, "
                "choose method qlora or a smaller base model, or train on a larger device"
            )
        samples = self.micro_batch * self.accumulation
        fitting = max(size for size in range(1, self.micro_batch // 2 + 1) if samples % size == 0)
        return BatchShape(fitting, samples // fitting)


def read_shape(stage_folder: Path, configured: BatchShape) -> BatchShape:
    """The shape that an earlier attempt of the stage came down to; the configured one in the first."""
    file = _file(stage_folder)
    if not file.exists():
        return configured
    found = BatchShape(**json.loads(file.read_text(encoding="utf-8")))
    same_step = found.micro_batch * found.accumulation == configured.micro_batch * configured.accumulation
    return found if same_step else configured


def write_shape(stage_folder: Path, shape: BatchShape) -> None:
    """Remember it for a later attempt."""
    stage_folder.mkdir(parents=True, exist_ok=True)
    unfinished = stage_folder / f".{SHAPE_FILE}"
    unfinished.write_text(json.dumps(asdict(shape)), encoding="utf-8")
    unfinished.replace(_file(stage_folder))


def shrink_after_kill(stage_folder: Path) -> BatchShape:
    """For the parent of a training process that was killed for memory: the next one takes less.

    Raises:
        OutOfMemory: it took one sample at a time already.
        FileNotFoundError: the stage had not begun.
    """
    shape = BatchShape(**json.loads(_file(stage_folder).read_text(encoding="utf-8"))).smaller()
    write_shape(stage_folder, shape)
    return shape


def is_out_of_memory(error: BaseException) -> bool:
    """Of a GPU or of this machine, as PyTorch reports them."""
    if isinstance(error, MemoryError):
        return True
    return isinstance(error, RuntimeError) and any(sign in str(error).lower() for sign in _SIGNS)


def peak_memory_bytes() -> int:
    """Of the GPU where there is one, else of this process."""
    import torch

    if torch.cuda.is_available():
        return int(torch.cuda.max_memory_allocated())
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def release_memory() -> None:
    """Give back what no one holds any more."""
    import gc

    import torch

    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()


def _file(stage_folder: Path) -> Path:
    return stage_folder / SHAPE_FILE
