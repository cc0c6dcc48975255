"""A merged model as one GGUF file, which llama.cpp serves."""

from pathlib import Path


def export_gguf(merged: Path, target: Path) -> Path:
    """Write the model in half precision; returns the file.

    Raises:
        ExportMismatch: llama.cpp's perplexity is not the merged model's.
    """
    raise NotImplementedError
