"""Versions on a server that speaks the Hub's API."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from pydantic import SecretStr

from twin_common.errors import ServerUnavailable
from twin_common.testing.hub import FakeHub, fake_hub
from twin_feature_stream.datasets.hub import HubDatasets
from twin_feature_stream.datasets.settings import DatasetSettings

from .material import ADA

_REPOSITORY = "datasets/ns/ada-texts"


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeHub]:
    # The store behind the Hub's newer uploads is another protocol; this one speaks Git LFS.
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_DISABLE_XET", True)
    with fake_hub() as hub:
        yield hub


@pytest.fixture
def hub(server: FakeHub) -> HubDatasets:
    return HubDatasets("ns", "token", server.url)


def _version(folder: Path, **more: str) -> Path:
    files = {
        "README.md": "---\nlanguage: en\n---\n# Texts\n",
        "lineage.json": "{}",
        "statistics.json": "{}",
        "instruct/train.parquet": f"rows of {folder.name}",
        "announced": "",
    }
    for name, text in (files | more).items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    return folder


class TestPushing:
    def test_a_version_is_one_commit_under_its_name(
        self, server: FakeHub, hub: HubDatasets, tmp_path: Path
    ) -> None:
        location = hub.push(ADA, "ada-1", _version(tmp_path / "one"))
        assert location == f"ns/ada-texts@{server.repositories[_REPOSITORY]['ada-1']}"
        assert server.commits(_REPOSITORY, "main") == ["Add ada-1", "initial commit"]
        files = server.files(_REPOSITORY, "ada-1")
        assert files["instruct/train.parquet"] == b"rows of one"
        assert "announced" not in files  # it is about this machine

    def test_a_second_push_changes_nothing(self, server: FakeHub, hub: HubDatasets, tmp_path: Path) -> None:
        first = hub.push(ADA, "ada-1", _version(tmp_path / "one"))
        assert hub.push(ADA, "ada-1", tmp_path / "one") == first
        assert len(server.commits(_REPOSITORY, "main")) == 2

    def test_a_push_that_was_cut_off_before_its_tag_is_made_good(
        self, server: FakeHub, hub: HubDatasets, tmp_path: Path
    ) -> None:
        first = hub.push(ADA, "ada-1", _version(tmp_path / "one"))
        del server.repositories[_REPOSITORY]["ada-1"]
        assert hub.push(ADA, "ada-1", tmp_path / "one") == first
        assert "ada-1" in server.repositories[_REPOSITORY]

    def test_the_next_version_holds_nothing_of_the_one_before(
        self, server: FakeHub, hub: HubDatasets, tmp_path: Path
    ) -> None:
        hub.push(ADA, "ada-1", _version(tmp_path / "one", **{"preference/train.parquet": "pairs"}))
        hub.push(ADA, "ada-2", _version(tmp_path / "two"))
        assert "preference/train.parquet" in server.files(_REPOSITORY, "ada-1")
        assert "preference/train.parquet" not in server.files(_REPOSITORY, "ada-2")
        assert server.files(_REPOSITORY, "ada-2")["instruct/train.parquet"] == b"rows of two"


class TestSetting:
    def test_without_a_namespace_nothing_is_pushed(self) -> None:
        assert HubDatasets.of(DatasetSettings()) is None

    def test_a_namespace_needs_a_token(self) -> None:
        with pytest.raises(ValueError, match="DATASETS_HUB_TOKEN"):
            DatasetSettings(hub_namespace="ns")
        assert HubDatasets.of(DatasetSettings(hub_namespace="ns", hub_token=SecretStr("t"))) is not None


def test_a_hub_that_is_away_may_come_back(tmp_path: Path) -> None:
    away = HubDatasets("ns", "token", "http://127.0.0.1:9")
    with pytest.raises(ServerUnavailable, match="tried again"):
        away.push(ADA, "ada-1", _version(tmp_path / "one"))
