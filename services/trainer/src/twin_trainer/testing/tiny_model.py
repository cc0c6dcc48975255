"""A random Llama of two layers with a tokenizer of its own, and rows to train it on: seconds, not minutes."""

from pathlib import Path

import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

CHATML = (
    "{% for message in messages %}{{ '<|im_start|>' + message['role'] + '\n' + message['content'] "
    "+ '<|im_end|>' + '\n' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
)
_SENTENCES = (
    "The ferry leaves the quay at seven and comes back when the fog allows it.",
    "I keep my notes in a drawer that does not close, which is its only virtue.",
    "Nobody asked the river what it thought of the bridge.",
    "A queue is a promise to look at something later, and later is a busy place.",
    "We measured twice, cut once, and then bought the shelf anyway.",
    "On Sundays the market smells of oranges and wet rope.",
)


def write_tiny_model(folder: Path, seed: int = 0, hidden_size: int = 32) -> Path:
    """A model folder as transformers writes it, with ChatML as its template."""
    tokenizer = tiny_tokenizer()
    torch.manual_seed(seed)
    config = LlamaConfig(
        vocab_size=len(tokenizer),
        hidden_size=hidden_size,
        intermediate_size=2 * hidden_size,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=256,
        bos_token_id=tokenizer.convert_tokens_to_ids("<|im_start|>"),
        eos_token_id=tokenizer.convert_tokens_to_ids("<|im_end|>"),
        pad_token_id=tokenizer.convert_tokens_to_ids("<pad>"),
        tie_word_embeddings=True,
    )
    LlamaForCausalLM(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def write_tiny_rows(folder: Path, samples: int = 16, held_out: int = 4) -> Path:
    """A dataset version's folder with rows of both kinds."""
    import pyarrow as arrow  # type: ignore[import-untyped]
    from pyarrow import parquet

    def message(role: str, text: str) -> list[dict[str, str]]:
        return [{"role": role, "content": text}]

    def answer(number: int) -> str:
        return f"{_SENTENCES[number % len(_SENTENCES)]} {_SENTENCES[(number * 5 + 1) % len(_SENTENCES)]}"

    for split, numbers in (("train", range(samples)), ("test", range(samples, samples + held_out))):
        prompts = [message("user", f"Write note {number}.") for number in numbers]
        completions = [message("assistant", answer(number)) for number in numbers]
        rejected = [message("assistant", f"As a model, note {number} is great!") for number in numbers]
        for kind, columns in (
            ("instruct", {"prompt": prompts, "completion": completions}),
            ("preference", {"prompt": prompts, "chosen": completions, "rejected": rejected}),
        ):
            (folder / kind).mkdir(parents=True, exist_ok=True)
            parquet.write_table(arrow.table(columns), folder / kind / f"{split}.parquet")
    return folder


def tiny_tokenizer() -> PreTrainedTokenizerFast:
    """Byte-level pairs, as the families have them that are tested."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=384,
        special_tokens=["<pad>", "<|im_start|>", "<|im_end|>"],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator([*_SENTENCES, "system user assistant Write note"], trainer)
    special = {"bos_token": "<|im_start|>", "eos_token": "<|im_end|>", "pad_token": "<pad>"}
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, chat_template=CHATML, model_max_length=256, **special
    )
