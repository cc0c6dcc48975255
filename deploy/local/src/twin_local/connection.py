"""How a `twin` command finds the platform it speaks to."""

import os
from dataclasses import dataclass

from pydantic import SecretStr

from twin_common.identity import AuthorId, parse_author_id
from twin_common.kafka_settings import KafkaSettings
from twin_common.vector_index import VectorIndexSettings
from twin_common.warehouse import WarehouseSettings
from twin_local.errors import PlatformError
from twin_local.home import TwinHome

_ADDRESSES = ("MONGODB_URL", "KAFKA_BOOTSTRAP_SERVERS", "QDRANT_URL", "RAG_API_URL")


@dataclass(frozen=True)
class Connection:
    """The addresses of a running platform, and the keys that this machine holds."""

    home: TwinHome
    environment: dict[str, str]

    @classmethod
    def find(cls) -> "Connection":
        """The platform that the environment names, else the one that runs on this machine's folder.

        Raises:
            PlatformError: neither is there.
        """
        home = TwinHome.default()
        record = home.record()
        environment = dict(record.environment) if record else {}
        environment |= {name: os.environ[name] for name in _ADDRESSES if name in os.environ}
        if not environment:
            raise PlatformError(
                f"no platform runs on {home.path}: start one with 'make up', "
                f"or name another with {', '.join(_ADDRESSES)}"
            )
        return cls(home, environment)

    @property
    def warehouse(self) -> WarehouseSettings:
        return WarehouseSettings(url=SecretStr(self._address("MONGODB_URL")))

    @property
    def kafka(self) -> KafkaSettings:
        return KafkaSettings(bootstrap_servers=self._address("KAFKA_BOOTSTRAP_SERVERS"))

    @property
    def vector_index(self) -> VectorIndexSettings:
        return VectorIndexSettings(url=self._address("QDRANT_URL"))

    @property
    def api_url(self) -> str:
        return self._address("RAG_API_URL")

    def author(self, given: str | None) -> AuthorId:
        """The author a command is for: the one named, else the only one whose key is held.

        Raises:
            PlatformError: none or several are held and none was named.
            InvalidAuthorId: what was named is no author id.
        """
        if given is not None:
            return parse_author_id(given)
        held = sorted(self.home.api_keys())
        if len(held) == 1:
            return held[0]
        if not held:
            raise PlatformError("this machine knows no author yet: twin author add FILE.yaml")
        raise PlatformError(f"several authors are known here: choose with --author ({', '.join(held)})")

    def key(self, author_id: AuthorId) -> str:
        """The author's API key.

        Raises:
            PlatformError: this machine holds none.
        """
        key = os.environ.get("TWIN_API_KEY") or self.home.api_keys().get(author_id)
        if key is None:
            raise PlatformError(f"this machine holds no key of {author_id}: twin author add FILE.yaml")
        return key

    def _address(self, name: str) -> str:
        if name not in self.environment:
            raise PlatformError(f"{name} is not set, and no platform runs on {self.home.path}")
        return self.environment[name]
