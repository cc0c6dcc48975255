"""What every event has."""

from abc import ABC, abstractmethod
from typing import ClassVar

from pydantic import BaseModel, ConfigDict

from twin_common.topics import Topic


class Event(BaseModel, ABC):
    """What every event has; `TYPE` is its CloudEvents type, whose last part is the major version."""

    model_config = ConfigDict(frozen=True, extra="ignore", use_attribute_docstrings=True)
    TYPE: ClassVar[str]
    TOPIC: ClassVar[Topic]

    @property
    @abstractmethod
    def key(self) -> str:
        """The Kafka key: events of one key stay in order."""
