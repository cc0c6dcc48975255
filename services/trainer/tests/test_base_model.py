"""Which base models are let in, and what the others are told."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import ClassVar

import pytest
from huggingface_hub import HfApi

from twin_common.errors import ServerUnavailable
from twin_trainer.base_checks import (
    MissingChatTemplate,
    MissingPaddingToken,
    MissingWeights,
    PickleWeights,
    RemoteCode,
    UnfitBaseModel,
)
from twin_trainer.base_model import LicenceRequired, UnknownBaseModel, base_revision, resolve_base
from twin_trainer.config import TrainingConfiguration

_COMMIT = "0123456789abcdef0123456789abcdef01234567"
_FILES = {
    "config.json": json.dumps({"model_type": "llama"}),
    "tokenizer_config.json": json.dumps({"pad_token": "<pad>", "chat_template": "{{ messages }}"}),
    "tokenizer.json": json.dumps({"model": {"vocab": {"a": 0}}, "added_tokens": [{"content": "<pad>"}]}),
    "README.md": "---\nlicense: apache-2.0\n---\nA model.",
    "model.safetensors": "weights",
}


def _model(folder: Path, **changed: str | None) -> TrainingConfiguration:
    folder.mkdir(exist_ok=True)
    for name, content in (_FILES | changed).items():
        if content is not None:
            (folder / name).write_text(content)
    return TrainingConfiguration(base_model=str(folder))


class TestFolder:
    """A folder on this machine."""

    def test_is_taken_with_its_licence(self, tmp_path: Path) -> None:
        base = resolve_base(_model(tmp_path / "base"))
        assert base.folder == tmp_path / "base"
        assert base.licence == "apache-2.0"

    def test_its_revision_follows_from_its_content(self, tmp_path: Path) -> None:
        same = base_revision(_model(tmp_path / "one"))
        assert base_revision(_model(tmp_path / "two")) == same
        assert base_revision(_model(tmp_path / "three", **{"model.safetensors": "others"})) != same

    @pytest.mark.parametrize(
        ("changed", "error", "remedy"),
        [
            ({"model.safetensors": None, "pytorch_model.bin": "pickle"}, PickleWeights, "save_pretrained"),
            ({"model.safetensors": None}, MissingWeights, "safetensors"),
            ({"modeling_own.py": "print('hello')"}, RemoteCode, "choose a model"),
            (
                {"config.json": json.dumps({"auto_map": {"AutoModel": "own.Model"}})},
                RemoteCode,
                "choose a model",
            ),
            (
                {"tokenizer_config.json": json.dumps({"pad_token": "<pad>"})},
                MissingChatTemplate,
                "chat_template",
            ),
            ({"tokenizer_config.json": json.dumps({"chat_template": "x"})}, MissingPaddingToken, "<pad>"),
            (
                {"tokenizer_config.json": json.dumps({"chat_template": "x", "pad_token": "<p>"})},
                MissingPaddingToken,
                "not in the vocabulary",
            ),
            ({"config.json": None}, UnfitBaseModel, "config.json"),
        ],
    )
    def test_an_unfit_one_is_named_with_the_remedy(
        self, tmp_path: Path, changed: dict[str, str | None], error: type[Exception], remedy: str
    ) -> None:
        with pytest.raises(error, match=remedy):
            resolve_base(_model(tmp_path / "base", **changed))

    def test_our_configuration_fills_the_gaps(self, tmp_path: Path) -> None:
        bare = _model(tmp_path / "base", **{"tokenizer_config.json": json.dumps({"model_max_length": 9})})
        filled = bare.model_copy(update={"chat_template": "{{ messages }}", "padding_token": "<pad>"})
        assert resolve_base(filled).folder == tmp_path / "base"


def _content(name: str, address: list[str]) -> str:
    return "{}" if name == "tokenizer_config.json" and "bare" in address else _FILES[name]


class _Hub(BaseHTTPRequestHandler):
    """As much of the Hub's API as finding and fetching a model takes."""

    fetched: ClassVar[set[str]] = set()

    def do_GET(self) -> None:
        parts = self.path.split("?")[0].strip("/").split("/")
        if parts[:2] == ["api", "models"] and "gated" in parts:
            self._answer(403, "{}", {"X-Error-Code": "GatedRepo"})
        elif parts[:2] == ["api", "models"] and "broken" in parts:
            self._answer(503, "{}")
        elif parts[:2] == ["api", "models"] and "tree" in parts:
            files = [
                {"type": "file", "path": name, "size": len(_content(name, parts)), "oid": name}
                for name in _FILES
            ]
            self._answer(200, json.dumps(files))
        elif parts[:2] == ["api", "models"] and parts[3] in {"fit", "bare"}:
            files = [{"rfilename": name} for name in _FILES]
            self._answer(200, json.dumps({"id": "/".join(parts[2:4]), "sha": _COMMIT, "siblings": files}))
        elif "resolve" in parts:
            self.fetched.add("/".join([parts[1], parts[-1]]))
            headers = {"X-Repo-Commit": _COMMIT, "ETag": f'"{parts[1]}-{parts[-1]}"'}
            self._answer(200, _content(parts[-1], parts), headers)
        else:
            self._answer(404, "{}", {"X-Error-Code": "RepoNotFound"})

    def do_HEAD(self) -> None:
        self.do_GET()

    def _answer(self, status: int, content: str, headers: dict[str, str] | None = None) -> None:
        body = content.encode()
        self.send_response(status)
        for name, value in ({"Content-Length": str(len(body))} | (headers or {})).items():
            self.send_header(name, value)
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        return


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[HfApi]:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "cache"))
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Hub)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield HfApi(endpoint=f"http://127.0.0.1:{server.server_port}")
    server.shutdown()
    server.server_close()


class TestHub:
    """A model on the Hub, here a server that speaks its API."""

    @pytest.mark.parametrize(
        ("name", "error", "remedy"),
        [
            ("author/gated", LicenceRequired, "HF_TOKEN"),
            ("author/unknown", UnknownBaseModel, "base_model"),
            ("author/broken", ServerUnavailable, "did not answer"),
        ],
    )
    def test_what_the_hub_refuses_is_named(
        self, hub: HfApi, name: str, error: type[Exception], remedy: str
    ) -> None:
        with pytest.raises(error, match=remedy):
            resolve_base(TrainingConfiguration(base_model=name), api=hub)

    def test_an_unfit_model_is_refused_before_its_weights(self, hub: HfApi) -> None:
        with pytest.raises(UnfitBaseModel, match="tokenizer_config"):
            resolve_base(TrainingConfiguration(base_model="author/bare"), api=hub)
        assert "bare/config.json" in _Hub.fetched
        assert "bare/model.safetensors" not in _Hub.fetched

    def test_a_fit_one_is_fetched(self, hub: HfApi) -> None:
        base = resolve_base(TrainingConfiguration(base_model="author/fit"), api=hub)
        assert (base.folder / "model.safetensors").read_text() == "weights"
        assert (base.revision, base.licence) == (_COMMIT, "apache-2.0")

    def test_the_revision_is_the_commit(self, hub: HfApi) -> None:
        assert base_revision(TrainingConfiguration(base_model="author/fit"), hub) == _COMMIT

    def test_one_that_is_away_may_come_back(self) -> None:
        away = HfApi(endpoint="http://127.0.0.1:9")
        with pytest.raises(ServerUnavailable, match="did not answer"):
            base_revision(TrainingConfiguration(base_model="author/fit"), away)
