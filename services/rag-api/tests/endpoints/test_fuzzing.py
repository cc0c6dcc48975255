"""Schemathesis sends what the OpenAPI document allows and what it forbids; nothing may end in a 5xx.

`make fuzz` is the long run; here is a selection of it.
"""

import asyncio
import os
import re
import sys
from pathlib import Path

import pytest

from twin_common.authors import Author
from twin_rag_api.generation.extractive import ExtractiveEngine

from ..conftest import ADA, Api, StartApi, chunk, put_chunks, put_head

pytestmark = pytest.mark.integration

EXAMPLES = int(os.environ.get("FUZZ_EXAMPLES", "3"))
CHECKS = "not_a_server_error,content_type_conformance,unsupported_method"


async def test_no_request_ends_in_a_server_error(
    start_api: StartApi, kafka_bootstrap: str, tmp_path: Path
) -> None:
    api: Api = await start_api(kafka=kafka_bootstrap, requests_per_minute=10_000_000)
    assert isinstance(api.resources.engines.choose(await api.scope(), "twin"), ExtractiveEngine)
    entry = chunk("Tides turn twice a day in this harbour.")
    await put_chunks(api.resources.index, [entry])
    await put_head(
        api.resources.index, document_id=entry.document_id, author_id=ADA, version=1, url=entry.url
    )
    await api.resources.warehouse.authors.put(Author(author_id=ADA, name="Ada"))
    document = tmp_path / "openapi.json"
    document.write_text((await api.http.get("/openapi.json")).text)
    process = await asyncio.create_subprocess_exec(
        *(str(Path(sys.executable).with_name("schemathesis")), "run", str(document)),
        *("--url", api.url, "--header", f"Authorization: Bearer {api.keys[ADA]}"),
        *("--checks", CHECKS, "--phases", "examples,coverage,fuzzing", "--max-examples", str(EXAMPLES)),
        *("--suppress-health-check", "all", "--request-timeout", "60", "--workers", "1", "--no-shrink"),
        *("--seed", "1", "--continue-on-failure", "--max-redirects", "0", "--warnings", "off"),
        "--no-color",
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        cwd=tmp_path,
    )
    output, _ = await process.communicate()
    said = output.decode(errors="replace")
    assert process.returncode == 0, said[-6000:]
    counted = re.search(r"([\d,]+) generated", said)
    assert counted, said[-6000:]
    cases = int(counted[1].replace(",", ""))
    print(f"{cases:,} cases, 0 server errors")  # noqa: T201 - the figure of the long run
    assert cases > 10 * EXAMPLES
