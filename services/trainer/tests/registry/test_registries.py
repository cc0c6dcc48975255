"""Both registries keep models whole, prove it, and refuse what could run code."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from twin_common.errors import ServerUnavailable
from twin_common.testing.hub import FakeHub, fake_hub
from twin_trainer.registry import FolderRegistry, ModelRegistry
from twin_trainer.registry.artefacts import DamagedArtefact, UnknownArtefact, UnsafeArtefact
from twin_trainer.registry.hub import HubRegistry

_REPOSITORY = "ns/ada-twin"


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeHub]:
    # The store behind the Hub's newer uploads is another protocol; this one speaks Git LFS.
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_DISABLE_XET", True)
    monkeypatch.setenv("HF_HUB_DISABLE_XET", "1")
    with fake_hub() as server:
        yield server


@pytest.fixture(params=["folder", "hub"])
def registry(request: pytest.FixtureRequest, tmp_path: Path, hub: FakeHub) -> ModelRegistry:
    local = FolderRegistry(tmp_path / "registry")
    return local if request.param == "folder" else HubRegistry(local, "ns", "token", hub.url)


def _model(folder: Path, **more: str) -> Path:
    files = {
        "model.safetensors": "weights " * 100,
        "config.json": '{"model_type": "llama"}',
        "README.md": "---\nlicense: mit\n---\n# A model\n",
        "adapter/adapter_model.safetensors": "adapter",
    }
    for name, text in (files | more).items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    return folder


class TestKeeping:
    def test_a_model_comes_back_as_it_was_saved(self, registry: ModelRegistry, tmp_path: Path) -> None:
        assert registry.find("ada", "ada-1") is None
        location = registry.save("ada", "ada-1", _model(tmp_path / "m"))
        assert registry.find("ada", "ada-1") == location
        found = registry.path(location)
        assert (found / "model.safetensors").read_text() == "weights " * 100
        assert (found / "adapter/adapter_model.safetensors").read_text() == "adapter"

    def test_what_is_kept_stays_as_it_is(self, registry: ModelRegistry, tmp_path: Path) -> None:
        location = registry.save("ada", "ada-1", _model(tmp_path / "m"))
        other = _model(tmp_path / "other", **{"config.json": "{}"})
        assert registry.save("ada", "ada-1", other) == location
        assert "llama" in (registry.path(location) / "config.json").read_text()

    def test_production_is_marked_moved_and_removed(
        self, registry: ModelRegistry, tmp_path: Path, hub: FakeHub
    ) -> None:
        locations = [
            registry.save("ada", name, _model(tmp_path / name, **{"config.json": json.dumps(name)}))
            for name in ("ada-1", "ada-2")
        ]
        for location in (*locations, None):
            registry.promote("ada", location)
            mark = tmp_path / "registry/production/ada.json"
            if isinstance(registry, HubRegistry):
                tagged = hub.repositories[_REPOSITORY].get("production")
                assert tagged == (location.partition("@")[2] if location else None)
            else:
                assert (json.loads(mark.read_text())["location"] if mark.exists() else None) == location

    def test_what_is_not_there_is_named(self, registry: ModelRegistry, tmp_path: Path) -> None:
        registry.save("ada", "ada-1", _model(tmp_path / "m"))
        missing = f"{_REPOSITORY}@{'0' * 40}" if isinstance(registry, HubRegistry) else "models/ada-9"
        with pytest.raises(UnknownArtefact):
            registry.path(missing)


class TestRefusing:
    @pytest.mark.parametrize(
        "name", ["pytorch_model.bin", "weights.pkl", "modeling_own.py", "run.sh", "x.so"]
    )
    def test_pickles_and_code_are_never_kept(
        self, registry: ModelRegistry, tmp_path: Path, name: str
    ) -> None:
        with pytest.raises(UnsafeArtefact, match=name):
            registry.save("ada", "ada-1", _model(tmp_path / "m", **{name: "x"}))
        assert registry.find("ada", "ada-1") is None

    def test_a_configuration_that_asks_for_code_is_refused(
        self, registry: ModelRegistry, tmp_path: Path
    ) -> None:
        asking = _model(tmp_path / "m", **{"config.json": '{"auto_map": {"AutoModel": "own.Model"}}'})
        with pytest.raises(UnsafeArtefact, match="auto_map"):
            registry.save("ada", "ada-1", asking)


class TestFolder:
    @pytest.mark.parametrize("damage", ["changed", "missing", "added"])
    def test_damage_is_found(self, tmp_path: Path, damage: str) -> None:
        registry = FolderRegistry(tmp_path / "registry")
        folder = registry.path(registry.save("ada", "ada-1", _model(tmp_path / "m")))
        if damage == "changed":
            (folder / "model.safetensors").write_text("other weights")
        elif damage == "missing":
            (folder / "config.json").unlink()
        else:
            (folder / "more.json").write_text("{}")
        with pytest.raises(DamagedArtefact):
            registry.path("models/ada-1")

    @pytest.mark.parametrize("location", ["../m", "models/../../m", "/etc", "datasets/ada-1"])
    def test_nothing_outside_is_opened(self, tmp_path: Path, location: str) -> None:
        _model(tmp_path / "m")
        with pytest.raises(UnknownArtefact):
            FolderRegistry(tmp_path / "registry").path(location)


class TestHub:
    def test_one_that_is_away_may_come_back(self, tmp_path: Path) -> None:
        registry = HubRegistry(FolderRegistry(tmp_path), "ns", "token", "http://127.0.0.1:9")
        with pytest.raises(ServerUnavailable, match="ns/ada-twin"):
            registry.find("ada", "ada-1")
        with pytest.raises(ServerUnavailable, match="ns/ada-twin"):
            registry.promote("ada", None)

    def test_a_model_is_one_commit_with_all_its_files(self, tmp_path: Path, hub: FakeHub) -> None:
        registry = HubRegistry(FolderRegistry(tmp_path / "registry"), "ns", "token", hub.url)
        location = registry.save("ada", "ada-1", _model(tmp_path / "m"))
        assert hub.commits(_REPOSITORY) == ["Add ada-1", "initial commit"]
        assert location == f"{_REPOSITORY}@{hub.repositories[_REPOSITORY]['ada-1']}"
        assert set(hub.files(_REPOSITORY, "ada-1")) == {
            ".gitattributes",
            "README.md",
            "adapter/adapter_model.safetensors",
            "config.json",
            "manifest.json",
            "model.safetensors",
        }

    def test_the_next_model_leaves_nothing_of_the_one_before(self, tmp_path: Path, hub: FakeHub) -> None:
        registry = HubRegistry(FolderRegistry(tmp_path / "registry"), "ns", "token", hub.url)
        registry.save("ada", "ada-1", _model(tmp_path / "m", **{"old.json": "{}"}))
        registry.save("ada", "ada-2", _model(tmp_path / "n", **{"new.json": "{}"}))
        assert "old.json" not in hub.files(_REPOSITORY, "ada-2")
        assert "old.json" in hub.files(_REPOSITORY, "ada-1")

    def test_what_was_changed_on_the_hub_is_not_loaded(self, tmp_path: Path, hub: FakeHub) -> None:
        registry = HubRegistry(FolderRegistry(tmp_path / "registry"), "ns", "token", hub.url)
        location = registry.save("ada", "ada-1", _model(tmp_path / "m"))
        hub.files(_REPOSITORY, "ada-1")["model.safetensors"] = b"other weights"
        with pytest.raises(DamagedArtefact, match="is not what was saved"):
            registry.path(location)

    @pytest.mark.parametrize("name", ["pytorch_model.bin", "modeling_own.py"])
    def test_code_that_was_added_on_the_hub_is_not_even_fetched(
        self, tmp_path: Path, hub: FakeHub, name: str
    ) -> None:
        registry = HubRegistry(FolderRegistry(tmp_path / "registry"), "ns", "token", hub.url)
        location = registry.save("ada", "ada-1", _model(tmp_path / "m"))
        hub.files(_REPOSITORY, "ada-1")[name] = b"import os"
        with pytest.raises(UnsafeArtefact, match=name):
            registry.path(location)
        assert not list((tmp_path / "registry/hub").rglob(name))

    def test_an_upload_that_is_killed_is_one_commit_after_the_next_try(
        self, tmp_path: Path, hub: FakeHub
    ) -> None:
        model = _model(tmp_path / "m")
        hub.may_store.clear()
        upload = subprocess.Popen([sys.executable, "-c", _UPLOAD, str(tmp_path), hub.url, str(model)])
        assert hub.uploading.wait(120)
        os.kill(upload.pid, signal.SIGKILL)
        upload.wait()
        assert hub.commits(_REPOSITORY) == ["initial commit"]
        hub.may_store.set()
        registry = HubRegistry(FolderRegistry(tmp_path / "registry"), "ns", "token", hub.url)
        for _ in range(2):
            location = registry.save("ada", "ada-1", model)
        assert hub.commits(_REPOSITORY) == ["Add ada-1", "initial commit"]
        assert (registry.path(location) / "model.safetensors").read_text() == "weights " * 100


_UPLOAD = """
import sys
from pathlib import Path
from twin_trainer.registry import FolderRegistry
from twin_trainer.registry.hub import HubRegistry
folder, url, model = sys.argv[1:]
HubRegistry(FolderRegistry(Path(folder) / "registry"), "ns", "token", url).save("ada", "ada-1", Path(model))
"""
