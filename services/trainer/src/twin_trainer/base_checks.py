"""Whether a folder holds a model that may be trained, told from its small files alone."""

import json
from collections.abc import Collection
from pathlib import Path
from typing import Any

from twin_common.errors import TwinError

SMALL_FILES = ("*.json", "*.jinja", "tokenizer.model", "README.md")
"""What is looked at before any weights are fetched."""
WEIGHTS = "*.safetensors"
_PICKLES = (".bin", ".pt", ".pth", ".pkl", ".ckpt", ".pickle")
_PADDING_CANDIDATES = ("<|finetune_right_pad_id|>", "<pad>", "[PAD]", "<|endoftext|>", "<unk>")


class UnfitBaseModel(TwinError):
    """The model cannot or may not be trained here."""


class PickleWeights(UnfitBaseModel):
    """The weights are pickles, which run code when they are read."""


class RemoteCode(UnfitBaseModel):
    """The model brings Python code of its own, which is never run."""


class MissingWeights(UnfitBaseModel):
    """No weights in safetensors."""


class MissingChatTemplate(UnfitBaseModel):
    """Nothing says how this model is asked."""


class MissingPaddingToken(UnfitBaseModel):
    """Samples of unequal length cannot stand in one batch."""


def check_files(name: str, files: Collection[str]) -> None:
    """Refuse what brings no safe weights, by the names of its files.

    Raises:
        RemoteCode, PickleWeights, MissingWeights: see there.
    """
    code = sorted(file for file in files if file.endswith(".py"))
    if code:
        raise RemoteCode(f"{name} brings code ({code[0]}); choose a model that transformers knows by itself")
    if any(file.endswith(".safetensors") for file in files):
        return
    pickles = sorted(file for file in files if file.endswith(_PICKLES))
    if pickles:
        raise PickleWeights(
            f"{name} has its weights as {pickles[0]} only; choose a revision in safetensors, "
            "or convert it once with transformers' save_pretrained"
        )
    raise MissingWeights(f"{name} has no *.safetensors; is it a model for transformers?")


def check_folder(name: str, folder: Path, chat_template: str | None, padding_token: str | None) -> None:
    """Refuse what cannot be trained, by its configuration and tokenizer.

    Args:
        chat_template: from our configuration, instead of the model's own.
        padding_token: likewise.

    Raises:
        RemoteCode, MissingChatTemplate, MissingPaddingToken: see there.
        UnfitBaseModel: config.json or the tokenizer is missing.
    """
    config, tokenizer = _json(folder / "config.json"), _json(folder / "tokenizer_config.json")
    if not config or not tokenizer:
        raise UnfitBaseModel(
            f"{name} has no config.json or no tokenizer_config.json; is it a model for transformers?"
        )
    if "auto_map" in config or "auto_map" in tokenizer:
        raise RemoteCode(
            f"{name} asks for code of its own (auto_map); choose a model that transformers knows by itself"
        )
    if not (chat_template or tokenizer.get("chat_template") or (folder / "chat_template.jinja").exists()):
        raise MissingChatTemplate(
            f"{name} has no chat template, as base models that were never taught to answer; "
            "choose its instruct version, or set chat_template in the training configuration"
        )
    vocabulary = _vocabulary(folder)
    padding = padding_token or _padding_token(folder, tokenizer)
    if padding is None:
        candidates = [token for token in _PADDING_CANDIDATES if token in vocabulary]
        advice = f"for example {candidates[0]}" if candidates else "one that no text contains"
        raise MissingPaddingToken(
            f"the tokenizer of {name} names no padding token; set padding_token in the training "
            f"configuration to a token of its vocabulary, {advice}"
        )
    if vocabulary and padding not in vocabulary:
        raise MissingPaddingToken(
            f"padding token {padding!r} is not in the vocabulary of {name}; choose one that is"
        )


def licence(folder: Path) -> str | None:
    """What the model's card names as its licence."""
    card = folder / "README.md"
    if not card.exists():
        return None
    head = card.read_text(encoding="utf-8").split("---")
    lines = head[1].splitlines() if len(head) > 2 else []
    found = [line.split(":", 1)[1].strip() for line in lines if line.startswith("license:")]
    return found[0] if found else None


def _padding_token(folder: Path, tokenizer: dict[str, Any]) -> str | None:
    named = tokenizer.get("pad_token") or _json(folder / "special_tokens_map.json").get("pad_token")
    return named["content"] if isinstance(named, dict) else named


def _vocabulary(folder: Path) -> frozenset[str]:
    """Of a fast tokenizer; empty where there is only a SentencePiece file."""
    tokenizer = _json(folder / "tokenizer.json")
    pieces = tokenizer.get("model", {}).get("vocab", ())
    listed = (piece if isinstance(piece, str) else piece[0] for piece in pieces)
    return frozenset(listed) | {added["content"] for added in tokenizer.get("added_tokens", ())}


def _json(path: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    return content
