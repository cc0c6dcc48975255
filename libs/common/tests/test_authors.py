"""What an author may configure."""

import json

import pytest
from pydantic import ValidationError

from twin_common.authors import Author, AuthorConfiguration

_WHOLE = {
    "name": "Ada",
    "aliases": ["A. Stone"],
    "links": [
        "https://a.example/",
        {"url": "https://b.example/x", "category": "post", "options": {"render": True}},
    ],
    "schedule": "0 6 * * *",
    "credentials": {"linkedin": "env:TWIN_SECRET_ADA_LINKEDIN", "x": "file:x-archive.key"},
}


class TestConfiguration:
    def test_it_is_written_as_it_was_read(self) -> None:
        author = Author.model_validate({"author_id": "ada"} | _WHOLE)
        written = author.model_dump(mode="json", exclude_defaults=True)
        assert written["links"][0] == "https://a.example/"
        assert Author.model_validate_json(author.model_dump_json()) == author

    def test_a_warehouse_row_of_a_newer_version_is_read(self) -> None:
        assert Author.model_validate({"author_id": "ada", "name": "Ada", "news": 1}).name == "Ada"

    def test_its_json_schema_lets_a_link_be_an_address(self) -> None:
        links = AuthorConfiguration.model_json_schema()["properties"]["links"]["items"]
        assert [option.get("type", "link") for option in links["anyOf"]] == ["string", "link"]

    @pytest.mark.parametrize(
        ("change", "place"),
        [
            ({"name": ""}, ("name",)),
            ({"nmae": "Ada"}, ("nmae",)),
            ({"aliases": [""]}, ("aliases",)),
            ({"links": ["ftp://a.example/"]}, ("links", 0, "url")),
            ({"links": ["a.example"]}, ("links", 0, "url")),
            ({"links": ["https://ada:pass@a.example/"]}, ("links", 0, "url")),
            ({"links": ["https://a.example/x", "http://A.example/x#top"]}, ("links",)),
            ({"links": [{"url": "https://a.example/", "category": "poem"}]}, ("links", 0, "category")),
            ({"schedule": "now and then"}, ("schedule",)),
        ],
    )
    def test_what_is_wrong_is_named_with_its_place(
        self, change: dict[str, object], place: tuple[object]
    ) -> None:
        with pytest.raises(ValidationError) as caught:
            AuthorConfiguration.model_validate(_WHOLE | change)
        assert [error["loc"] for error in caught.value.errors()] == [place]


class TestSecrets:
    @pytest.mark.parametrize(
        "change",
        [
            {"credentials": {"linkedin": "AQEDARhf3JkAAAGT-canary"}},
            {"credentials": {"linkedin": "env:MONGODB_URL-canary"}},
            {"credentials": {"linkedin": "env:PATH", "x": "canary"}},
            {"credentials": {"linkedin": "file:/etc/passwd-canary"}},
            {"credentials": {"linkedin": "file:../canary"}},
            {"links": [{"url": "https://a.example/", "options": {"cookie": "canary"}}]},
            {"links": [{"url": "https://a.example/", "options": {"q": "ghp_0123456789abcdefghijklmcanary"}}]},
        ],
    )
    def test_only_references_are_taken_and_no_message_repeats_a_secret(
        self, change: dict[str, object]
    ) -> None:
        with pytest.raises(ValidationError) as caught:
            AuthorConfiguration.model_validate(_WHOLE | change)
        told = [{key: error[key] for key in ("loc", "msg")} for error in caught.value.errors()]
        assert "canary" not in json.dumps(told)
