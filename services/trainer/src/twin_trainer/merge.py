"""One model of a base and its adapter, compared with the two before it may go on."""

from dataclasses import dataclass
from pathlib import Path

from twin_common.errors import TwinError
from twin_trainer.base_model import ResolvedBase


class MergeMismatch(TwinError):
    """The merged model does not say what the base with its adapter says."""


@dataclass(frozen=True)
class MergeCheck:
    """How near the merged model is to the base with its adapter."""

    largest_difference: float
    """Of log-probabilities, in nats."""
    limit: float
    tokens: int
    """Positions that were compared."""


def merge(base: ResolvedBase, adapter: Path, target: Path) -> MergeCheck:
    """Write the merged model with its tokenizer to `target`, in safetensors.

    Raises:
        MergeMismatch: read back from the disk, it differs from base and adapter; `target` is not written.
    """
    raise NotImplementedError
