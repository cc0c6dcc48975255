"""Versions on the Hugging Face Hub: one private repository an author, one commit and one tag a version."""

from pathlib import Path
from typing import TYPE_CHECKING

from twin_common.errors import ServerUnavailable
from twin_common.identity import AuthorId

if TYPE_CHECKING:
    from twin_feature_stream.datasets.settings import DatasetSettings

_KIND = "dataset"
_OF_THE_HUB = ".gitattributes"
_PARTS = ("README.md", "lineage.json", "statistics.json", "*/*.parquet")


class HubDatasets:
    """Where versions are published besides the folder."""

    def __init__(self, namespace: str, token: str, endpoint: str | None = None) -> None:
        """Args: `endpoint` is the Hub's address; None for that of `HF_ENDPOINT`."""
        from huggingface_hub import HfApi

        self._namespace = namespace
        self._api = HfApi(endpoint=endpoint, token=token)

    @classmethod
    def of(cls, settings: "DatasetSettings") -> "HubDatasets | None":
        """As it is set; None where versions stay in the folder."""
        if settings.hub_namespace is None or settings.hub_token is None:
            return None
        return cls(settings.hub_namespace, settings.hub_token.get_secret_value())

    def push(self, author_id: AuthorId, dataset_id: str, folder: Path) -> str:
        """Publish a version in one commit; one that is there stays as it is.

        Returns:
            `REPOSITORY@COMMIT`, which names the same bytes for ever.

        Raises:
            ServerUnavailable: the Hub is away, or did not take it; the same call again may succeed.
        """
        import httpx2  # what the Hub's client speaks with
        from huggingface_hub.errors import HfHubHTTPError

        repository = f"{self._namespace}/{author_id}-texts"
        try:
            self._api.create_repo(repository, repo_type=_KIND, private=True, exist_ok=True)
            commit = self._commit_of(repository, dataset_id) or self._commit(repository, dataset_id, folder)
            self._api.create_tag(repository, tag=dataset_id, revision=commit, repo_type=_KIND, exist_ok=True)
        except (HfHubHTTPError, httpx2.HTTPError, OSError) as error:
            raise ServerUnavailable(
                f"the Hub did not take {dataset_id} into {repository}: {error}. It is tried again with the "
                "next build; without DATASETS_HUB_NAMESPACE versions stay on this machine"
            ) from error
        return f"{repository}@{commit}"

    def _commit_of(self, repository: str, dataset_id: str) -> str | None:
        """The commit of a version that an earlier try published."""
        commits = self._api.list_repo_commits(repository, repo_type=_KIND)
        return next((commit.commit_id for commit in commits if commit.title == _title(dataset_id)), None)

    def _commit(self, repository: str, dataset_id: str, folder: Path) -> str:
        """All files at once, on top of what was looked at; what only an older version had goes."""
        from huggingface_hub import CommitOperationAdd, CommitOperationDelete

        files = {str(path.relative_to(folder)): path for part in _PARTS for path in sorted(folder.glob(part))}
        parent = self._api.list_repo_commits(repository, repo_type=_KIND)[0].commit_id
        there = self._api.list_repo_files(repository, repo_type=_KIND)
        operations: list[CommitOperationAdd | CommitOperationDelete] = [
            *(CommitOperationAdd(path_in_repo=name, path_or_fileobj=path) for name, path in files.items()),
            *(CommitOperationDelete(path_in_repo=name) for name in sorted({*there} - {*files, _OF_THE_HUB})),
        ]
        done = self._api.create_commit(
            repository,
            operations,
            commit_message=_title(dataset_id),
            repo_type=_KIND,
            parent_commit=parent,
        )
        return str(done.oid)


def _title(dataset_id: str) -> str:
    return f"Add {dataset_id}"
