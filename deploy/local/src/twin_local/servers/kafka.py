"""librdkafka's own in-process cluster as a server: the real protocol over TCP, kept in memory.

It keeps at most 5 MiB a partition and drops the oldest silently, and it forgets everything when it ends; so
the local platform sends claim checks only, and reconciles at every start.

Run it as `python -m twin_local.servers.kafka --address-file PATH`: the file appears, with host:port in it,
once clients may connect.
"""

import argparse
import ctypes
import signal
from importlib.util import find_spec
from pathlib import Path

from twin_common.topics import ALL_TOPICS
from twin_local.files import write_atomically

_RD_KAFKA_PRODUCER = 0


def library_path() -> Path:
    """The librdkafka inside the confluent-kafka wheel.

    Raises:
        FileNotFoundError: the wheel has it elsewhere.
    """
    spec = find_spec("confluent_kafka")
    if spec is None or spec.origin is None:
        raise FileNotFoundError("confluent-kafka is not installed")
    package = Path(spec.origin).parent
    for folder in (package.with_name("confluent_kafka.libs"), package / ".dylibs"):
        for found in sorted(folder.glob("librdkafka[-.]*")):
            return found
    raise FileNotFoundError(f"no librdkafka beside {package}")


def _library() -> ctypes.CDLL:
    """The library with the signatures of what we call; pointers would be cut to 32 bits without."""
    library = ctypes.CDLL(str(library_path()))
    pointer, text, integer, size = ctypes.c_void_p, ctypes.c_char_p, ctypes.c_int, ctypes.c_size_t
    signatures: dict[str, tuple[object, list[object]]] = {
        "rd_kafka_conf_new": (pointer, []),
        "rd_kafka_conf_set": (integer, [pointer, text, text, text, size]),
        "rd_kafka_new": (pointer, [integer, pointer, text, size]),
        "rd_kafka_mock_cluster_new": (pointer, [pointer, integer]),
        "rd_kafka_mock_cluster_bootstraps": (text, [pointer]),
        "rd_kafka_mock_topic_create": (integer, [pointer, text, integer, integer]),
        "rd_kafka_mock_group_initial_rebalance_delay_ms": (None, [pointer, ctypes.c_int32]),
    }
    for name, (result, arguments) in signatures.items():
        function = getattr(library, name)
        function.restype, function.argtypes = result, arguments
    return library


class MockCluster:
    """One broker; keep the object alive as long as clients need it."""

    def __init__(self) -> None:
        library = _library()
        reason = ctypes.create_string_buffer(512)
        configuration = library.rd_kafka_conf_new()
        # This client only hosts the cluster; without this it warns that it has no broker to connect to.
        library.rd_kafka_conf_set(configuration, b"log_level", b"3", reason, len(reason))
        client = library.rd_kafka_new(_RD_KAFKA_PRODUCER, configuration, reason, len(reason))
        if not client:
            raise RuntimeError(f"librdkafka did not start: {reason.value.decode()}")
        self._library = library
        self._cluster = library.rd_kafka_mock_cluster_new(client, 1)
        # Its default of 3 s serves groups that many join at once; here each has one member.
        library.rd_kafka_mock_group_initial_rebalance_delay_ms(self._cluster, 100)

    @property
    def bootstrap_servers(self) -> str:
        """host:port of the broker."""
        return str(self._library.rd_kafka_mock_cluster_bootstraps(self._cluster).decode())

    def create_topic(self, name: str, partitions: int) -> None:
        """Create a topic; the cluster has no such request in its protocol.

        Raises:
            RuntimeError: the topic exists.
        """
        error = self._library.rd_kafka_mock_topic_create(self._cluster, name.encode(), partitions, 1)
        if error:
            raise RuntimeError(f"the topic {name} could not be created: librdkafka says {error}")


def main() -> None:
    """Serve until SIGTERM or SIGINT."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--address-file", type=Path, required=True)
    arguments = parser.parse_args()
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM, signal.SIGINT})
    cluster = MockCluster()
    for topic in ALL_TOPICS:
        cluster.create_topic(topic.name, topic.partitions)
    write_atomically(arguments.address_file, cluster.bootstrap_servers)
    signal.sigwait({signal.SIGTERM, signal.SIGINT})


if __name__ == "__main__":
    main()
