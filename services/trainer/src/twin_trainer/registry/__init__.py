"""Where finished models are kept: a folder, and the Hugging Face Hub where a namespace is set."""

from pathlib import Path
from typing import Protocol

from pydantic import SecretStr

from twin_trainer.registry.folder import FolderRegistry

__all__ = ["FolderRegistry", "ModelRegistry", "open_registry"]


class ModelRegistry(Protocol):
    """Keeps models whole, tells where they are, and which of an author's is in production."""

    def find(self, author_id: str, model_id: str) -> str | None:
        """Where a model is, or None; a model that is there is never made twice."""

    def save(self, author_id: str, model_id: str, folder: Path) -> str:
        """Keep the files of a folder as a model; a model that is there stays as it is.

        Returns:
            Its location.

        Raises:
            UnsafeArtefact: a file could run code when the model is loaded.
            ServerUnavailable: the registry does not answer; nothing of it is visible yet.
        """

    def path(self, location: str) -> Path:
        """The model's folder on this machine, every file of which has the hash that it was saved with.

        Raises:
            UnknownArtefact: there is none.
            DamagedArtefact, UnsafeArtefact: see there.
            ServerUnavailable: as above.
        """

    def promote(self, author_id: str, location: str | None) -> None:
        """Mark the author's model that is in production, or that none is. Raises: ServerUnavailable."""


def open_registry(folder: Path, hub_namespace: str | None, hub_token: SecretStr | None) -> ModelRegistry:
    """The registry that the settings name."""
    local = FolderRegistry(folder)
    if hub_namespace is None:
        return local
    from twin_trainer.registry.hub import HubRegistry

    return HubRegistry(local, hub_namespace, hub_token.get_secret_value() if hub_token else None)
