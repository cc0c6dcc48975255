"""The committed OpenAPI document is that of the code."""

from pathlib import Path

from twin_rag_api.contract import openapi_document

_FILE = Path(__file__).parent / "openapi.json"


async def test_it_says_what_the_code_says() -> None:
    remedy = "if the change is meant and only adds, run `make schemas` and commit what it writes"
    assert _FILE.read_text(encoding="utf-8") == await openapi_document(), remedy
