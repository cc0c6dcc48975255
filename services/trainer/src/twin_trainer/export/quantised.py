# /// script
# requires-python = "==3.11.*"
# dependencies = ["llmcompressor==0.14.0.1"]
# ///
"""A merged model in four bits for GPUs, by AWQ or GPTQ: `uv run quantised.py METHOD MERGED TARGET TEXTS`.

A script with an environment of its own, because llmcompressor needs an older transformers than training does.
It needs a GPU. vLLM and TGI load what it writes; `TEXTS` has a text to calibrate with on each line.
"""

import argparse
import math
import shutil
import sys
from pathlib import Path
from typing import Any

PERPLEXITY_LIMIT = 0.1
"""Share by which perplexity may rise: four bits cost some hundredths."""
_MEASURED_TEXTS = 16
_LENGTH = 1024


def quantise(method: str, merged: Path, target: Path, texts: list[str]) -> float:
    """Write the quantised model; returns by which share its perplexity is above the merged model's.

    The last texts are only measured. `target` is not written when the limit is passed.
    """
    import torch
    from datasets import Dataset
    from llmcompressor import oneshot
    from llmcompressor.modifiers.gptq import GPTQModifier
    from llmcompressor.modifiers.quantization import QuantizationModifier
    from llmcompressor.modifiers.transform.awq import AWQModifier
    from transformers import AutoModelForCausalLM, AutoTokenizer

    scheme: dict[str, Any] = {"targets": ["Linear"], "ignore": ["lm_head"], "scheme": "W4A16"}
    recipes = {"awq": [AWQModifier(), QuantizationModifier(**scheme)], "gptq": [GPTQModifier(**scheme)]}
    tokenizer = AutoTokenizer.from_pretrained(merged)
    model = AutoModelForCausalLM.from_pretrained(
        merged, dtype=torch.bfloat16, device_map="auto", use_safetensors=True
    )
    measured, learnt = texts[-_MEASURED_TEXTS:], texts[:-_MEASURED_TEXTS] or texts
    before = _perplexity(model, tokenizer, measured)
    oneshot(
        model=model,
        tokenizer=tokenizer,
        dataset=Dataset.from_dict({"text": learnt}),
        recipe=recipes[method],
        max_seq_length=_LENGTH,
        num_calibration_samples=min(len(learnt), 256),
    )
    rise = _perplexity(model, tokenizer, measured) / before - 1
    if not rise <= PERPLEXITY_LIMIT:
        sys.exit(
            f"perplexity rises by {rise:.1%}, more than {PERPLEXITY_LIMIT:.0%}; serve the merged model itself"
        )
    unfinished = target.with_name(f".{target.name}")
    shutil.rmtree(unfinished, ignore_errors=True)
    model.save_pretrained(unfinished, save_compressed=True)
    tokenizer.save_pretrained(unfinished)
    unfinished.rename(target)
    return rise


def _perplexity(model: Any, tokenizer: Any, texts: list[str]) -> float:
    import torch

    total, count = 0.0, 0
    with torch.no_grad():
        for text in texts:
            tokens = tokenizer(text, return_tensors="pt", truncation=True, max_length=_LENGTH)["input_ids"]
            tokens = tokens.to(model.device)
            predicted = tokens.shape[1] - 1
            total += float(model(input_ids=tokens, labels=tokens).loss) * predicted
            count += predicted
    return math.exp(total / count)


def main() -> None:
    """Quantise what the command line names."""
    import torch

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("method", choices=["awq", "gptq"])
    parser.add_argument("merged", type=Path)
    parser.add_argument("target", type=Path)
    parser.add_argument("texts", type=Path)
    arguments = parser.parse_args()
    if not torch.cuda.is_available():
        sys.exit("AWQ and GPTQ need a GPU; the GGUF export does not")
    texts = [line for line in arguments.texts.read_text(encoding="utf-8").splitlines() if line.strip()]
    rise = quantise(arguments.method, arguments.merged, arguments.target, texts)
    sys.stdout.write(f"{arguments.target}: perplexity {rise:+.2%}\n")


if __name__ == "__main__":
    main()
