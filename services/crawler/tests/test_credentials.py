"""References to secrets."""

from pathlib import Path

import pytest

from twin_common.identity import AuthorId
from twin_crawler.credentials import Credentials

ADA = AuthorId("ada")


class TestSecret:
    def test_a_variable_or_a_file_of_the_author(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("TWIN_SECRET_ADA", "from the environment\n")
        (tmp_path / "ada").mkdir()
        (tmp_path / "ada" / "linkedin").write_text("from a file\n")
        references = {"a": "env:TWIN_SECRET_ADA", "b": "file:linkedin"}
        credentials = Credentials(ADA, references, tmp_path)
        assert (credentials.secret("a"), credentials.secret("b")) == ("from the environment", "from a file")

    @pytest.mark.parametrize(
        "reference",
        ["env:HOME", "file:../bob/linkedin", "file:/etc/passwd", "file:.hidden", "file:absent", "secret", ""],
    )
    def test_nothing_else_is_read(self, tmp_path: Path, reference: str) -> None:
        (tmp_path / "ada").mkdir()
        (tmp_path / "bob").mkdir()
        (tmp_path / "bob" / "linkedin").write_text("Bob's")
        assert Credentials(ADA, {"x": reference}, tmp_path).secret("x") is None
        assert Credentials(ADA, {}, tmp_path).secret("x") is None
