"""An author's YAML file."""

from pathlib import Path

import pytest

from twin_local.authors import read_author_file
from twin_local.errors import PlatformError

REPOSITORY = Path(__file__).parents[3]


def write(folder: Path, text: str) -> Path:
    path = folder / "author.yaml"
    path.write_text(text)
    return path


def test_the_sample_author_can_be_read() -> None:
    author = read_author_file(REPOSITORY / "samples/author.yaml")
    assert author.links


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("author_id: Not A Slug\nname: Ada", "author_id"),
        ("author_id: ada", "name"),
        ("author_id: ada\nname: Ada\nlinks: https://one.example", "links"),
        ("author_id: [", ":1:13: this is no YAML"),
        ("author_id: ada\nname: Ada\nname: Bo", r":3:1: .*name is written twice"),
        ("author_id: ada\nname: &a\n  b: *a", r":2:1: name"),
        (
            "author_id: ada\nname: Ada\nlinks:\n  - https://a.example/\n  - ftp://b.example/",
            r":5:5: links\.1",
        ),
        ("author_id: ada\nname: Ada\nschedule: often", r":3:1: schedule: .*write a cron expression"),
        ("author_id: ada\nname: Ada\nlink: []", r":3:1: link: no such field; there are .*links"),
        ("author_id: ada\nname: Ada\ncredentials:\n  x: canary", r":4:3: credentials\.x: .*env:TWIN_SECRET_"),
        ("just text", "author.yaml"),
        ("", "author.yaml"),
    ],
)
def test_what_is_wrong_is_named(tmp_path: Path, text: str, named: str) -> None:
    with pytest.raises(PlatformError, match=named) as caught:
        read_author_file(write(tmp_path, text))
    assert "canary" not in str(caught.value)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(PlatformError, match=r"nowhere\.yaml"):
        read_author_file(tmp_path / "nowhere.yaml")
