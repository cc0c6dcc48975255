"""The official JavaScript client of OpenAI, unmodified, in a Node of its own."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from ..conftest import ADA, Api, chunk, put_chunks

pytestmark = pytest.mark.integration

TESTS = Path(__file__).parents[4] / "tests"
QUESTION = "when do the tides turn in the harbour"


async def _run(*command: str) -> str:
    process = await asyncio.create_subprocess_exec(
        *command, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    output, errors = await process.communicate()
    assert process.returncode == 0, errors.decode()
    return output.decode()


async def test_models_answers_streams_and_errors(api: Api) -> None:
    await _run(str(TESTS / "servers" / "install-node.sh"))
    await put_chunks(
        api.resources.index, [chunk("Tides turn twice a day in this harbour. The master writes them down.")]
    )
    script = str(TESTS / "javascript" / "ask.mjs")
    read: dict[str, Any] = json.loads(await _run("node", script, f"{api.url}/v1", api.keys[ADA], QUESTION))
    assert read["models"] == ["twin"]
    message = read["plain"]["choices"][0]["message"]
    assert "Tides turn twice a day in this harbour. [1]" in message["content"]
    assert read["streamed"] == message["content"]
    assert read["finish"] == read["plain"]["choices"][0]["finish_reason"] == "stop"
    assert read["usage"] == read["plain"]["usage"]
    assert read["citations"] == message["citations"] != []
    refusals = read["refusals"]
    assert {name: refusal["status"] for name, refusal in refusals.items()} == {
        "model": 404,
        "n": 400,
        "response_format": 400,
        "key": 401,
    }
    assert refusals["n"]["kind"] == "BadRequestError"
    assert refusals["n"]["param"] == "n"
    assert "extractive" in refusals["n"]["message"]
    assert refusals["key"]["kind"] == "AuthenticationError"
