"""A language model that transformers runs, in this process."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from twin_trainer.evaluation.models import LanguageModel, Likelihood

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True)
class Decoding:
    """How texts are sampled: as one would chat, since greedy decoding makes small models turn in circles."""

    temperature: float = 0.7
    top_p: float = 0.9
    seed: int = 1


@dataclass(frozen=True)
class ReadingPolicy:
    """How much of a text is read, and how much at once."""

    tokens_per_text: int = 512
    """Of a text whose likelihood is measured; the rest is not read."""
    tokens_per_prompt: int = 1024
    """The last so many of a prompt are read."""
    tokens_per_batch: int = 2048
    """Logits of one batch take this times the vocabulary times four bytes."""
    texts_per_batch: int = 8


class TransformersModel:
    """Writes with the model's chat template where it has one, else goes on from the prompt itself."""

    def __init__(
        self,
        name: str,
        model: Any,
        tokenizer: Any,
        decoding: Decoding | None = None,
        reading: ReadingPolicy | None = None,
    ) -> None:
        self.name = name
        self._model = model
        self._tokenizer = tokenizer
        self._decoding = decoding or Decoding()
        self._reading = reading or ReadingPolicy()
        if tokenizer.pad_token_id is None:
            tokenizer.pad_token = tokenizer.eos_token

    def generate(self, prompts: Sequence[str], max_new_tokens: int) -> list[str]:
        """Answers to messages of a user, sampled with a fixed seed."""
        sampling = {
            "do_sample": True,
            "temperature": self._decoding.temperature,
            "top_p": self._decoding.top_p,
            "top_k": 0,
        }
        return self._write([self._templated(prompt) for prompt in prompts], max_new_tokens, sampling)

    def continue_texts(self, beginnings: Sequence[str], max_new_tokens: int) -> list[str]:
        """What is likeliest after each beginning, token by token."""
        greedy = {"do_sample": False, "temperature": None, "top_p": None, "top_k": None}
        return self._write([self._ids(text) for text in beginnings], max_new_tokens, greedy)

    def negative_log_likelihoods(self, texts: Sequence[str]) -> list[Likelihood]:
        """Of every token but the first, given those before it."""
        if not texts:
            return []
        limit = self._reading.tokens_per_text
        encoded = self._tokenizer(
            list(texts),
            add_special_tokens=False,
            truncation=True,
            max_length=limit,
            return_offsets_mapping=True,
        )
        found = [Likelihood(0.0, 0, 0)] * len(texts)
        for places in self._batches([len(ids) for ids in encoded["input_ids"]]):
            batch = [encoded["input_ids"][place] for place in places]
            for place, nats in zip(places, self._nats(batch), strict=True):
                offsets = encoded["offset_mapping"][place]
                found[place] = Likelihood(nats, len(offsets) - 1, offsets[-1][1] - offsets[1][0])
        return found

    def _templated(self, prompt: str) -> list[int]:
        if not self._tokenizer.chat_template:
            return self._ids(prompt)
        text = self._tokenizer.apply_chat_template(
            [{"role": "user", "content": prompt}], tokenize=False, add_generation_prompt=True
        )
        return self._ids(text)

    def _ids(self, text: str) -> list[int]:
        ids: list[int] = self._tokenizer(text, add_special_tokens=False)["input_ids"]
        return ids[-self._reading.tokens_per_prompt :]

    def _write(self, prompts: list[list[int]], max_new_tokens: int, how: Mapping[str, object]) -> list[str]:
        import torch

        torch.manual_seed(self._decoding.seed)
        found = [""] * len(prompts)
        for places in self._batches([len(ids) + max_new_tokens for ids in prompts]):
            ids, mask = self._padded([prompts[place] for place in places], is_left=True)
            with torch.inference_mode():
                written = self._model.generate(
                    input_ids=ids,
                    attention_mask=mask,
                    max_new_tokens=max_new_tokens,
                    pad_token_id=self._tokenizer.pad_token_id,
                    remove_invalid_values=True,  # a broken model shall write nonsense, not stop the report
                    **how,
                )
            for place, row in zip(places, written[:, ids.shape[1] :], strict=True):
                found[place] = self._tokenizer.decode(row, skip_special_tokens=True).strip()
        return found

    def _nats(self, batch: list[list[int]]) -> list[float]:
        import torch

        ids, mask = self._padded(batch, is_left=False)
        with torch.inference_mode():
            logits = self._model(input_ids=ids, attention_mask=mask).logits[:, :-1].float()
            losses = torch.nn.functional.cross_entropy(
                logits.transpose(1, 2), ids[:, 1:], reduction="none"
            ).double()
            # A pad is no part of a text, even where its loss is no number.
            sums: list[float] = losses.where(mask[:, 1:].bool(), torch.zeros_like(losses)).sum(1).tolist()
        return sums

    def _padded(self, rows: list[list[int]], is_left: bool) -> "tuple[torch.Tensor, torch.Tensor]":
        import torch

        width = max(map(len, rows))
        pads = [[self._tokenizer.pad_token_id] * (width - len(row)) for row in rows]
        masks = [[0] * len(pad) for pad in pads]
        ones = [[1] * len(row) for row in rows]
        joined = [
            [(pad + row, zero + one) if is_left else (row + pad, one + zero)]
            for pad, row, zero, one in zip(pads, rows, masks, ones, strict=True)
        ]
        device = self._model.device
        return (
            torch.tensor([pair[0] for (pair,) in joined], device=device),
            torch.tensor([pair[1] for (pair,) in joined], device=device),
        )

    def _batches(self, lengths: Sequence[int]) -> Iterator[list[int]]:
        """Places of texts of two tokens or more, the like-long together, as many as the policy allows."""
        batch: list[int] = []
        for place in sorted(range(len(lengths)), key=lengths.__getitem__):
            if lengths[place] < 2:
                continue
            is_full = len(batch) == self._reading.texts_per_batch
            if batch and (is_full or lengths[place] * (len(batch) + 1) > self._reading.tokens_per_batch):
                yield batch
                batch = []
            batch.append(place)
        if batch:
            yield batch


@dataclass(frozen=True)
class ModelFiles:
    """Where a model is."""

    name: str
    model: Path
    """A folder of safetensors."""
    adapter: Path | None = None
    """A folder of LoRA weights that go on top."""
    tokenizer: Path | None = None
    """A folder with the tokenizer and its chat template; None: the model's."""
    device: str = "cpu"
    dtype: str = "float32"
    """On the device; a CPU without native bfloat16 takes eight times as long with it."""
    decoding: Decoding = field(default_factory=Decoding)
    reading: ReadingPolicy = field(default_factory=ReadingPolicy)


@contextmanager
def open_transformers_model(files: ModelFiles) -> Iterator[LanguageModel]:
    """Load a model, and free its memory afterwards; pickled weights and a model's own code are not read."""
    import gc

    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(files.tokenizer or files.model, trust_remote_code=False)
    model: Any = AutoModelForCausalLM.from_pretrained(
        files.model, dtype=getattr(torch, files.dtype), use_safetensors=True, trust_remote_code=False
    )
    if files.adapter is not None:
        from peft import PeftModel

        model = PeftModel.from_pretrained(model, files.adapter)
    model = model.to(files.device).eval()
    try:
        yield TransformersModel(files.name, model, tokenizer, files.decoding, files.reading)
    finally:
        del model
        gc.collect()
        if files.device.startswith("cuda"):
            torch.cuda.empty_cache()
