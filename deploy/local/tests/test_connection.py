"""How a command finds its platform."""

import os
from pathlib import Path

import pytest

from twin_common.identity import parse_author_id
from twin_local.connection import Connection
from twin_local.errors import PlatformError
from twin_local.home import PlatformRecord, TwinHome

ADDRESSES = ("MONGODB_URL", "KAFKA_BOOTSTRAP_SERVERS", "QDRANT_URL", "RAG_API_URL", "TWIN_API_KEY")


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> TwinHome:
    for name in ADDRESSES:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TWIN_HOME", str(tmp_path))
    return TwinHome(tmp_path)


class TestFind:
    def test_without_any_it_says_how_to_start_one(self, home: TwinHome) -> None:
        with pytest.raises(PlatformError, match="make up"):
            Connection.find()

    def test_the_one_that_runs_here_is_the_default(self, home: TwinHome) -> None:
        home.save_record(PlatformRecord(os.getpid(), {"RAG_API_URL": "http://here"}))
        assert Connection.find().api_url == "http://here"

    def test_the_environment_wins(self, home: TwinHome, monkeypatch: pytest.MonkeyPatch) -> None:
        home.save_record(PlatformRecord(os.getpid(), {"RAG_API_URL": "http://here"}))
        monkeypatch.setenv("RAG_API_URL", "https://there")
        assert Connection.find().api_url == "https://there"

    def test_an_address_that_is_missing_is_named(
        self, home: TwinHome, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("RAG_API_URL", "https://there")
        with pytest.raises(PlatformError, match="MONGODB_URL"):
            _ = Connection.find().warehouse


class TestAuthor:
    def test_the_only_one_may_be_left_out(self, home: TwinHome) -> None:
        home.save_key(parse_author_id("ada"), "k")
        connection = Connection(home, {})
        assert connection.author(None) == "ada"
        assert connection.key(parse_author_id("ada")) == "k"

    def test_of_several_one_must_be_named(self, home: TwinHome) -> None:
        home.save_key(parse_author_id("ada"), "k")
        home.save_key(parse_author_id("ben"), "k")
        with pytest.raises(PlatformError, match="--author"):
            Connection(home, {}).author(None)
        assert Connection(home, {}).author("ben") == "ben"

    def test_without_any_the_remedy_is_named(self, home: TwinHome) -> None:
        with pytest.raises(PlatformError, match="twin author add"):
            Connection(home, {}).author(None)
        with pytest.raises(PlatformError, match="no key of ada"):
            Connection(home, {}).key(parse_author_id("ada"))
