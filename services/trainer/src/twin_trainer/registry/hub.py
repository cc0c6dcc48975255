"""Models on the Hugging Face Hub: one repository an author, one commit a model.

A commit goes to the branch `staging` and gets the model's id as a tag; the tag `production` is moved to what
is deployed. A location is `NAMESPACE/AUTHOR-twin@COMMIT`, which names the same bytes for ever.
"""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from twin_common.errors import ServerUnavailable
from twin_trainer.registry.artefacts import UnknownArtefact, check_safe, verify
from twin_trainer.registry.folder import FolderRegistry

STAGING, PRODUCTION = "staging", "production"


class HubRegistry:
    """Models that are kept in a folder here and published on the Hub."""

    def __init__(
        self, local: FolderRegistry, namespace: str, token: str | None, endpoint: str | None = None
    ) -> None:
        """Args: `endpoint` is the Hub's address; None for that of `HF_ENDPOINT`."""
        from huggingface_hub import HfApi

        self._local = local
        self._namespace = namespace
        self._api: HfApi = HfApi(endpoint=endpoint, token=token)

    def find(self, author_id: str, model_id: str) -> str | None:
        """The commit of a model, or None."""
        repository = self._repository(author_id)
        with _hub_errors(repository):
            commit = self._commit_of(repository, model_id)
        return f"{repository}@{commit}" if commit else None

    def save(self, author_id: str, model_id: str, folder: Path) -> str:
        """Keep it here, and publish it in one commit. Raises: UnsafeArtefact, ServerUnavailable."""
        kept = self._local.path(self._local.save(author_id, model_id, folder))
        repository = self._repository(author_id)
        with _hub_errors(repository):
            self._api.create_repo(repository, private=True, exist_ok=True)
            self._api.create_branch(repository, branch=STAGING, exist_ok=True)
            commit = self._commit_of(repository, model_id) or self._commit(repository, model_id, kept)
            self._api.create_tag(repository, tag=model_id, revision=commit, exist_ok=True)
        return f"{repository}@{commit}"

    def path(self, location: str) -> Path:
        """The verified snapshot of a commit. Raises: as the protocol says."""
        from huggingface_hub.errors import EntryNotFoundError, RepositoryNotFoundError, RevisionNotFoundError

        repository, _, commit = location.partition("@")
        try:
            with _hub_errors(repository):
                check_safe(location, self._api.list_repo_files(repository, revision=commit))
                target = self._local.folder / "hub" / commit
                folder = Path(self._api.snapshot_download(repository, revision=commit, local_dir=target))
        except (RepositoryNotFoundError, RevisionNotFoundError, EntryNotFoundError) as error:
            raise UnknownArtefact(f"the Hub has no {location}: was it deleted there?") from error
        verify(location, folder)
        return folder

    def promote(self, author_id: str, location: str | None) -> None:
        """Move the tag `production`, or remove it. Raises: ServerUnavailable."""
        from huggingface_hub.errors import HfHubHTTPError

        repository = self._repository(author_id)
        with _hub_errors(repository):
            with suppress(HfHubHTTPError):  # there was none
                self._api.delete_tag(repository, tag=PRODUCTION)
            if location is not None:
                self._api.create_tag(repository, tag=PRODUCTION, revision=location.partition("@")[2])

    def _repository(self, author_id: str) -> str:
        return f"{self._namespace}/{author_id}-twin"

    def _commit_of(self, repository: str, model_id: str) -> str | None:
        """The commit that published a model: an upload that was cut short after it is not done again."""
        from huggingface_hub.errors import RepositoryNotFoundError, RevisionNotFoundError

        try:
            commits = self._api.list_repo_commits(repository, revision=STAGING)
        except (RepositoryNotFoundError, RevisionNotFoundError):
            return None
        return next((commit.commit_id for commit in commits if commit.title == _title(model_id)), None)

    def _commit(self, repository: str, model_id: str, folder: Path) -> str:
        """Everything at once, on top of what was looked at; of two uploads at a time one is refused."""
        from huggingface_hub import CommitOperationAdd, CommitOperationDelete

        files = {str(path.relative_to(folder)): path for path in sorted(folder.rglob("*")) if path.is_file()}
        parent = self._api.list_repo_commits(repository, revision=STAGING)[0].commit_id
        there = self._api.list_repo_files(repository, revision=STAGING)
        stale = sorted(set(there) - set(files) - {".gitattributes"})
        operations: list[CommitOperationAdd | CommitOperationDelete] = [
            *(CommitOperationAdd(path_in_repo=name, path_or_fileobj=path) for name, path in files.items()),
            *(CommitOperationDelete(path_in_repo=name) for name in stale),
        ]
        done = self._api.create_commit(
            repository,
            operations,
            commit_message=_title(model_id),
            revision=STAGING,
            parent_commit=parent,
        )
        return str(done.oid)


def _title(model_id: str) -> str:
    return f"Add {model_id}"


@contextmanager
def _hub_errors(repository: str) -> Iterator[None]:
    """What another try may mend, in our words; what it cannot mend stays as it is."""
    import httpx2
    from huggingface_hub.errors import (
        EntryNotFoundError,
        HfHubHTTPError,
        RepositoryNotFoundError,
        RevisionNotFoundError,
    )

    try:
        yield
    except (RepositoryNotFoundError, RevisionNotFoundError, EntryNotFoundError):
        raise
    except (HfHubHTTPError, httpx2.HTTPError, OSError) as error:
        raise ServerUnavailable(f"the Hub did not do what was asked for {repository}: {error}") from error
