"""Secrets that are set, and secrets in requests, stand in no log, no error, no metric and no answer."""

import logging

import pytest
import structlog

from .conftest import ADA, Api, StartApi, chunk, put_chunks, serving
from .tgi_upstream import TgiUpstream
from .upstream import Upstream

SET = "canary-of-the-settings"
CALLED = "twin_canaryOfTheCaller0123456789"
STORED = "sk-canaryOfADocument0123456789"


@pytest.mark.parametrize("protocol", ["openai", "tgi"])
async def test_none_is_told(
    start_api: StartApi, protocol: str, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    server = TgiUpstream() if protocol == "tgi" else Upstream()
    told: list[str] = []
    with structlog.testing.capture_logs() as logged:
        async with serving(server.app) as url:
            api: Api = await start_api(
                llm_protocol=protocol,
                llm_url=f"{url}/v1",
                llm_model="small",
                llm_api_key=SET,
                llm_first_token_timeout_seconds=0.3,
                llm_next_token_timeout_seconds=0.3,
            )
            text = f"Tides turn twice a day in this harbour. The key {STORED} opens the gate to the tides."
            await put_chunks(api.resources.index, [chunk(text)])
            server.words = ["Tides", " turn ", STORED, " and ", SET[:6], " [1]. ", "More", " words."]
            body = {"messages": [{"role": "user", "content": "when do tides turn in the harbour"}]}
            for script in ("answer", "status", "cut", "garbage", "pause"):
                server.script = script
                for wishes in ({}, {"stream": True}, {"response_format": {"type": "json_object"}}):
                    response = await api.post("/v1/chat/completions", body | wishes)
                    told += [response.text]
            wrong = {"Authorization": f"Bearer {CALLED}"}
            told.append((await api.http.post("/v1/chat/completions", json=body, headers=wrong)).text)
            told.append((await api.http.get("/metrics")).text)
    written = capfd.readouterr()
    everything = "\n".join([*told, *map(str, logged), written.out, written.err, caplog.text])
    assert "language model failed" in everything
    for secret in (SET, CALLED, STORED, api.keys[ADA]):
        assert secret not in everything
