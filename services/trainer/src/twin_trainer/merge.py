"""One model of a base and its adapter, compared with the two before it may go on."""

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from peft import PeftModel
from transformers import AutoModelForCausalLM, AutoTokenizer

from twin_common.errors import TwinError
from twin_trainer.base_model import ResolvedBase

if TYPE_CHECKING:
    from transformers import PreTrainedModel

_PROBES = (
    "A letter from the harbour: the ferry was late again, and nobody on the quay seemed to mind.",
    "def total(prices: list[float]) -> float:\n    return sum(prices)\n",
    "Wer früh aufsteht, hat den Fluss für sich. 3 + 4 = 7; « merci », said she.",
)
_LIMITS = {torch.float32: 1e-3, torch.bfloat16: 0.5, torch.float16: 0.1}
"""Nats: roundings of the precision add up over the layers, and only they may differ."""


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
    """Write the merged model to `target` in safetensors, with the tokenizer that lies beside the adapter.

    Weights keep the precision in which the base stores them. Of a full training the model is copied.

    Raises:
        MergeMismatch: read back from the disk, it differs from base and adapter; `target` is not written.
    """
    unfinished = target.with_name(f".{target.name}")
    shutil.rmtree(unfinished, ignore_errors=True)
    tokenizer = AutoTokenizer.from_pretrained(adapter, trust_remote_code=False)
    probes = [torch.tensor([tokenizer(text)["input_ids"]]) for text in _PROBES]
    if (adapter / "adapter_config.json").exists():
        adapted = PeftModel.from_pretrained(_load(base.folder), adapter)
        expected = _log_probabilities(adapted, probes)
        adapted.merge_and_unload(safe_merge=True).save_pretrained(unfinished)
    else:
        whole = _load(adapter)
        expected = _log_probabilities(whole, probes)
        whole.save_pretrained(unfinished)
    tokenizer.save_pretrained(unfinished)

    merged = _load(unfinished)
    found = _log_probabilities(merged, probes)
    difference = max(float((one - other).abs().max()) for one, other in zip(expected, found, strict=True))
    limit = _LIMITS.get(merged.dtype, _LIMITS[torch.float32])
    if not difference <= limit:  # NaN is no match either
        shutil.rmtree(unfinished)
        raise MergeMismatch(
            f"the merge of {adapter} into {base.name} is off by {difference:.3g} nats, "
            f"and {limit:.3g} are allowed; train again from a base that is stored in fp32"
        )
    shutil.rmtree(target, ignore_errors=True)
    unfinished.rename(target)
    return MergeCheck(difference, limit, sum(probe.shape[1] for probe in probes))


def _load(folder: Path) -> "PreTrainedModel":
    model: PreTrainedModel = AutoModelForCausalLM.from_pretrained(
        folder, dtype="auto", use_safetensors=True, trust_remote_code=False
    )
    return model


def _log_probabilities(model: torch.nn.Module, probes: list[torch.Tensor]) -> list[torch.Tensor]:
    model.eval()
    with torch.no_grad():
        return [torch.log_softmax(model(input_ids=probe).logits.float(), dim=-1) for probe in probes]
