"""A language model as a judge of accuracy and style, behind any OpenAI-compatible URL; optional.

Both are graded from 1 to 3, few enough for every grade to have a meaning that can be written down:
Iusztin and Labonne, LLM Engineer's Handbook (2024), chapter 7.
"""

import json
import re
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Protocol

import httpx
from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError

from twin_trainer.evaluation.control import packaged_text

_PROMPT = "judge.v1.md"
_MAX_TOKENS = 200
_OBJECT = re.compile(r"\{[^{}]*\}")


class Judgement(BaseModel):
    """A judge's grades of one text."""

    model_config = ConfigDict(frozen=True)
    accuracy: int = Field(ge=1, le=3)
    style: int = Field(ge=1, le=3)
    why: str = ""


@dataclass(frozen=True)
class Judged:
    """A text that is to be graded."""

    instruction: str
    author: str
    text: str


class Judge(Protocol):
    """Grades texts."""

    @property
    def name(self) -> str:
        """For the report."""

    def judge(self, texts: Sequence[Judged]) -> list[Judgement | None]:
        """A judgement for each; None where none could be had."""


class JudgeSettings(BaseModel):
    """Where the judge is and how patient one is with it."""

    model_config = ConfigDict(frozen=True, use_attribute_docstrings=True)
    url: str
    """Base of an OpenAI-compatible API, such as http://127.0.0.1:8080/v1."""
    model: str
    api_key: SecretStr | None = None
    timeout_seconds: float = 60.0
    concurrency: int = 4
    """Texts that are graded at the same time."""


@dataclass(frozen=True)
class Retrying:
    """How often a judge is asked again that failed or gave no usable grades."""

    rests: tuple[float, ...] = (1.0, 5.0)
    """Seconds before each further try."""


@dataclass(frozen=True)
class OpenAICompatibleJudge:
    """Asks for JSON by schema, and takes what it can get where the server knows no schemas."""

    settings: JudgeSettings
    retrying: Retrying = field(default_factory=Retrying)

    @property
    def name(self) -> str:
        """The judging model's."""
        return self.settings.model

    def judge(self, texts: Sequence[Judged]) -> list[Judgement | None]:
        """Several at a time; what fails for good leaves None, so that no report depends on the judge."""
        key = self.settings.api_key.get_secret_value() if self.settings.api_key else "none"
        with (
            httpx.Client(
                base_url=self.settings.url.rstrip("/") + "/",
                timeout=self.settings.timeout_seconds,
                headers={"authorization": f"Bearer {key}"},
            ) as client,
            ThreadPoolExecutor(self.settings.concurrency) as threads,
        ):
            return list(threads.map(lambda text: self._judged(client, text), texts))

    def _judged(self, client: httpx.Client, judged: Judged) -> Judgement | None:
        has_schema = True
        for rest in (*self.retrying.rests, None):
            try:
                found = parse_judgement(self._asked(client, judged, has_schema))
            except httpx.HTTPStatusError as error:
                if error.response.status_code == httpx.codes.BAD_REQUEST:
                    has_schema = False
                found = None
            except (httpx.HTTPError, ValueError, LookupError, TypeError):
                found = None
            if found is not None or rest is None:
                return found
            time.sleep(rest)
        return None

    def _asked(self, client: httpx.Client, judged: Judged, has_schema: bool) -> str:
        body: dict[str, object] = {
            "model": self.settings.model,
            "temperature": 0,
            "max_tokens": _MAX_TOKENS,
            "messages": [
                {
                    "role": "user",
                    "content": packaged_text(_PROMPT).format(
                        instruction=judged.instruction, author=judged.author, text=judged.text
                    ),
                }
            ],
        }
        if has_schema:
            schema = {"name": "judgement", "schema": Judgement.model_json_schema()}
            body["response_format"] = {"type": "json_schema", "json_schema": schema}
        response = client.post("chat/completions", json=body)
        response.raise_for_status()
        return str(response.json()["choices"][0]["message"]["content"])


def parse_judgement(text: str) -> Judgement | None:
    """The first JSON object that is a judgement, whatever is said around it; None where there is none."""
    for candidate in _OBJECT.findall(text):
        try:
            return Judgement.model_validate(json.loads(candidate))
        except (ValueError, ValidationError):
            continue
    return None
