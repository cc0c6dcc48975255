"""What every record has, and the kinds of field that all of them share."""

from datetime import UTC, datetime
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, WithJsonSchema

from twin_common.identity import AUTHOR_ID_MAX_LENGTH, AUTHOR_ID_PATTERN, AuthorId, parse_author_id


def _aware(value: datetime) -> datetime:
    """BSON drops the zone and keeps milliseconds: what has no zone is UTC, what has one becomes UTC."""
    try:
        value = value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)
    except OverflowError as error:
        raise ValueError("in UTC it lies outside the years 1 to 9999") from error
    return value.replace(microsecond=value.microsecond // 1000 * 1000)


def _parse_time(value: Any) -> Any:
    """All of ISO 8601, also 20240501, which pydantic would take for seconds since 1970."""
    return datetime.fromisoformat(value) if isinstance(value, str) else value


Timestamp = Annotated[datetime, BeforeValidator(_parse_time), AfterValidator(_aware)]
AuthorSlug = Annotated[
    AuthorId,
    BeforeValidator(lambda value: parse_author_id(str(value))),
    WithJsonSchema({"type": "string", "pattern": AUTHOR_ID_PATTERN, "maxLength": AUTHOR_ID_MAX_LENGTH}),
]


class Record(BaseModel):
    """An immutable record; unknown fields are ignored, so that a newer writer can add some."""

    model_config = ConfigDict(frozen=True, extra="ignore", use_attribute_docstrings=True)
