"""Authors, and how they say what is collected: one shape for YAML, API and warehouse."""

import re
from typing import Annotated, Any, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    GetJsonSchemaHandler,
    SerializerFunctionWrapHandler,
    field_validator,
    model_serializer,
    model_validator,
)
from pydantic_core import CoreSchema

from twin_common.documents import AuthorSlug, Category
from twin_common.errors import InvalidUrl
from twin_common.identity import canonical_url
from twin_common.schedules import parse_schedule

_MOST_LINKS = 500
_REFERENCE = re.compile(r"env:TWIN_SECRET_[A-Z0-9_]{1,100}|file:(?!\.)[\w-][\w.-]{0,100}")
_SECRET_NAME = re.compile(
    r"token|secret|passw|cookie|api_?key|credential|session|authori[sz]ation", re.IGNORECASE
)
_SECRET_VALUE = re.compile(r"(?=[^\s]*\d)(?=[^\s]*[A-Za-z])[A-Za-z0-9_+/=.~-]{32,}")

OptionValue = str | bool | int


def _is_reference(value: str) -> str:
    """Refuse secrets themselves; the message never repeats what was given."""
    if not _REFERENCE.fullmatch(value):
        raise ValueError(
            "this is no reference, and secrets stay outside: put it into an environment variable or a file "
            "of the crawler, and write env:TWIN_SECRET_… or file:NAME"
        )
    return value


SecretReference = Annotated[str, AfterValidator(_is_reference)]


class Link(BaseModel):
    """A place where an author publishes: an address, or an address with what is to be known about it."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)
    url: str = Field(max_length=2048)
    category: Category | None = None
    """What its documents are, where the source would say otherwise."""
    options: dict[str, OptionValue] = Field(default_factory=dict, max_length=20)
    """For the source that takes the link; never a secret."""

    @model_validator(mode="before")
    @classmethod
    def _from_address(cls, value: Any) -> Any:
        return {"url": value} if isinstance(value, str) else value

    @field_validator("url")
    @classmethod
    def _is_address(cls, value: str) -> str:
        try:
            canonical_url(value)
        except InvalidUrl as error:
            raise ValueError("write an absolute http or https address") from error
        if "@" in value.split("/", 3)[2]:
            raise ValueError("an address names no user and no password; use credentials")
        return value

    @field_validator("options")
    @classmethod
    def _holds_no_secret(cls, options: dict[str, OptionValue]) -> dict[str, OptionValue]:
        for name, value in options.items():
            if _SECRET_NAME.search(name) or _SECRET_VALUE.fullmatch(str(value)):
                raise ValueError(f"the option {name[:50]} looks like a secret; use credentials")
        return options

    @model_serializer(mode="wrap")
    def _as_plainly_as_given(self, serialise: SerializerFunctionWrapHandler) -> str | dict[str, Any]:
        plain = self.category is None and not self.options
        return self.url if plain else serialise(self)


class _OrAddress:
    """Tells the JSON Schema of a link that its address alone will do."""

    @staticmethod
    def __get_pydantic_json_schema__(core: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        return {"anyOf": [{"type": "string", "maxLength": 2048}, handler(core)]}


class AuthorConfiguration(BaseModel):
    """What an author decides about their twin."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)
    name: str = Field(min_length=1, max_length=200)
    aliases: tuple[str, ...] = Field(default=(), max_length=50)
    """The names they sign with, besides `name`."""
    links: tuple[Annotated[Link, _OrAddress], ...] = Field(default=(), max_length=_MOST_LINKS)
    """Each an address, or a mapping with url, category and options."""
    schedule: str | None = None
    """When the links are crawled by themselves: `0 6 * * * Europe/Stockholm`, or `6h`; never, if absent."""
    credentials: dict[str, SecretReference] = Field(default_factory=dict, max_length=20)
    """References to secrets by the name of what they open: `linkedin: env:TWIN_SECRET_ADA_LINKEDIN`, or
    `file:linkedin` for a file in the crawler's folder of the author's secrets."""

    @field_validator("aliases")
    @classmethod
    def _are_names(cls, aliases: tuple[str, ...]) -> tuple[str, ...]:
        if not all(0 < len(alias.strip()) <= 200 for alias in aliases):
            raise ValueError("an alias has between 1 and 200 characters")
        return aliases

    @field_validator("links")
    @classmethod
    def _are_distinct(cls, links: tuple[Link, ...]) -> tuple[Link, ...]:
        seen: set[str] = set()
        for number, link in enumerate(links, start=1):
            if (canonical := canonical_url(link.url)) in seen:
                raise ValueError(f"link {number} is listed twice: remove one")
            seen.add(canonical)
        return links

    @field_validator("schedule")
    @classmethod
    def _is_schedule(cls, schedule: str | None) -> str | None:
        if schedule is not None:
            parse_schedule(schedule)
        return schedule


class Author(AuthorConfiguration):
    """Whose twin it is, and where they publish."""

    model_config = ConfigDict(frozen=True, extra="ignore", use_attribute_docstrings=True)
    author_id: AuthorSlug

    @classmethod
    def configured(cls, author_id: str, configuration: AuthorConfiguration) -> Self:
        """The author with this id and configuration."""
        return cls(author_id=author_id, **configuration.model_dump())
