"""The same chunks through each encoder of this machine: how fast, and how near the vectors are to fp32.

The encoders take turns, batch by batch, since other work on the machine comes and goes; processor time is
what is compared. Needs the dependency group `torch`.
"""

import argparse
import json
import time
from pathlib import Path

import numpy as np
from corpus import articles_file
from results import write_result

from twin_common.documents import Category
from twin_common.embedding import Embedder, EmbeddingSettings, load_embedder
from twin_feature_stream.chunking import ChunkingPolicy, chunk_texts
from twin_feature_stream.cleaning import clean

_BATCH = 32
_SETTINGS = {
    "torch_fp32": EmbeddingSettings(backend="sentence-transformers", precision="fp32", batch_size=16),
    "torch_bf16": EmbeddingSettings(backend="sentence-transformers", precision="bf16", batch_size=16),
    "onnx_int8": EmbeddingSettings(backend="onnx"),
}
_REFERENCE = "torch_fp32"


def _chunks(file: Path, count: int, counter: Embedder) -> list[str]:
    rows = [json.loads(line) for line in file.read_text().splitlines() if line.strip()]
    texts = [(Category.ARTICLE, clean(row["text"], Category.ARTICLE)) for row in rows]
    cut = chunk_texts(texts, counter.count_tokens, ChunkingPolicy(counter.max_tokens))
    passages = [passage.text for passages in cut for passage in passages]
    return passages[:: max(1, len(passages) // count)][:count]


def _benchmark(file: Path, count: int) -> dict[str, float]:
    encoders = {name: load_embedder(settings) for name, settings in _SETTINGS.items()}
    chunks = _chunks(file, count, encoders["onnx_int8"])
    seconds, cpu = dict.fromkeys(encoders, 0.0), dict.fromkeys(encoders, 0.0)
    vectors: dict[str, list[np.ndarray]] = {name: [] for name in encoders}
    for encoder in encoders.values():
        encoder.embed(chunks[:4])
    for start in range(0, len(chunks), _BATCH):
        for name, encoder in encoders.items():
            began, cpu_began = time.perf_counter(), time.process_time()
            vectors[name].append(encoder.embed(chunks[start : start + _BATCH]))
            seconds[name] += time.perf_counter() - began
            cpu[name] += time.process_time() - cpu_began
    reference = np.concatenate(vectors[_REFERENCE])
    figures: dict[str, float] = {"chunks": len(chunks)}
    for name in encoders:
        figures[f"{name}_chunks_per_second"] = len(chunks) / seconds[name]
        figures[f"{name}_chunks_per_cpu_second"] = len(chunks) / cpu[name]
        figures[f"{name}_cpu_speed_to_fp32"] = cpu[_REFERENCE] / cpu[name]
        cosines = np.sum(reference * np.concatenate(vectors[name]), axis=1)
        figures[f"{name}_cosine_mean"] = float(cosines.mean())
        figures[f"{name}_cosine_lowest"] = float(cosines.min())
    return figures


def main() -> None:
    """Measure, and write the result."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--articles", type=Path, default=articles_file())
    parser.add_argument("--chunks", type=int, default=256)
    arguments = parser.parse_args()
    write_result("encoders", _benchmark(arguments.articles, arguments.chunks))


if __name__ == "__main__":
    main()
