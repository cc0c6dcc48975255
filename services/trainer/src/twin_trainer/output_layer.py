"""The output layer on a processor: each token of an answer is scored once, and its gradient with it.

TRL projects pieces of the vocabulary twice, forward and again backward, so that logits never lie in memory
whole, and without Triton it does so for prompts and padding too. Here only answers are projected, a few
tokens at a time, and what the backward pass needs of them is computed while their logits are at hand.
"""

from functools import wraps
from types import MethodType
from typing import TYPE_CHECKING, Any

import torch
from peft import PeftModel
from torch.nn.functional import linear
from trl.trainer.utils import FusedCausalLMOutput

if TYPE_CHECKING:
    from transformers import PreTrainedModel

_TOKENS_AT_A_TIME = 256
"""Logits of so many lie in memory at a time: 50 MB with a vocabulary of 49,152."""
_RESHAPED_BY = (
    "final_logit_softcapping",
    "logit_scale",
    "output_multiplier",
    "lm_head_multiplier",
    "logits_scaling",
    "output_router_logits",
)
"""Fields of models whose logits, or whose loss, are more than one product."""


def score_answers_once(trained: "PreTrainedModel | PeftModel") -> None:
    """Give a model that TRL has prepared a quicker way to the same scores, where it is known to be the same.

    Left as TRL made it: what trains on a GPU, a head that learns itself, and logits that are reshaped.
    """
    model: PreTrainedModel = trained.get_base_model() if isinstance(trained, PeftModel) else trained
    head, config = model.get_output_embeddings(), model.config.get_text_config()
    if head.weight.device.type != "cpu" or head.weight.requires_grad:
        return
    if any(getattr(config, field, None) for field in _RESHAPED_BY):
        return
    prepared = model.forward

    @wraps(prepared)
    def forward(self: "PreTrainedModel", *given: object, **named: Any) -> object:
        if not named.get("fused_lm_head") or named.get("shift_labels") is not None:
            return prepared(*given, **named)
        del named["fused_lm_head"]
        labels, items = named.pop("labels")[:, 1:], named.pop("num_items_in_batch", None)
        hidden = self.base_model(*given, **named | {"use_cache": False}).last_hidden_state[:, :-1]
        return _scored(hidden, labels, self.get_output_embeddings(), items)

    model.forward = MethodType(forward, model)


def _scored(
    hidden: torch.Tensor, labels: torch.Tensor, head: torch.nn.Linear, items: torch.Tensor | int | None
) -> FusedCausalLMOutput:
    """Hidden states (samples, tokens, width) and the label that follows each, -100 where it is not scored."""
    mask = labels != -100
    scores = _Scores.apply(hidden[mask], head.weight, head.bias, labels[mask])
    log_probabilities, entropy, mean_logits, is_top1 = (
        score.new_zeros(mask.shape).masked_scatter(mask, score) for score in scores
    )
    count = mask.sum().clamp(min=1) if items is None else items
    return FusedCausalLMOutput(
        loss=-log_probabilities.sum() / count,
        log_probs=log_probabilities,
        entropy=entropy,
        mean_logits=mean_logits,
        is_top1=is_top1,
        label_mask=mask,
    )


class _Scores(torch.autograd.Function):  # type: ignore[misc]
    """Log-probability, entropy, mean logit and rank of each label; a gradient flows through the first."""

    @staticmethod
    def forward(
        ctx: Any, hidden: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor | None, labels: torch.Tensor
    ) -> tuple[torch.Tensor, ...]:
        learns = ctx.needs_input_grad[0]
        pieces = [
            _score(part, weight, bias, names, learns)
            for part, names in zip(
                hidden.split(_TOKENS_AT_A_TIME), labels.split(_TOKENS_AT_A_TIME), strict=True
            )
        ]
        *scores, slopes = (torch.cat(parts) for parts in zip(*pieces, strict=True))
        ctx.save_for_backward(slopes)
        ctx.mark_non_differentiable(*scores[1:])
        return tuple(scores)

    @staticmethod
    def backward(ctx: Any, *gradients: torch.Tensor) -> tuple[torch.Tensor | None, ...]:
        (slopes,) = ctx.saved_tensors
        return slopes * gradients[0].unsqueeze(-1).to(slopes.dtype), None, None, None


def _score(
    hidden: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor | None, labels: torch.Tensor, learns: bool
) -> tuple[torch.Tensor, ...]:
    """The scores of a few tokens, and how each log-probability changes with its hidden state.

    With p the probabilities, that slope is the label's row of the weights less the mean row under p.
    """
    logits = linear(hidden, weight, bias).float()
    mean_logits, likeliest = logits.mean(-1), logits.argmax(-1)
    scores = torch.log_softmax(logits, -1)
    probabilities = scores.exp()
    entropy = -torch.linalg.vecdot(probabilities, scores)
    slopes = hidden.new_empty(0)
    if learns:
        slopes = weight[labels].to(hidden.dtype) - linear(probabilities.to(weight.dtype), weight.t())
    of_labels = scores.gather(-1, labels.unsqueeze(-1)).squeeze(-1)
    return of_labels, entropy, mean_logits, likeliest == labels, slopes
