"""Apache Kafka itself, one broker in KRaft mode, from the jars that tests/servers/install.sh fetched."""

import subprocess
import time
from pathlib import Path

from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient

from twin_local.ports import LOOPBACK, free_port

JARS = Path(__file__).parents[2] / ".cache/kafka-4.3.1/libs"

_START_SECONDS = 60
_PROPERTIES = """\
process.roles=broker,controller
node.id=1
controller.quorum.bootstrap.servers={host}:{controller}
listeners=PLAINTEXT://{host}:{port},CONTROLLER://{host}:{controller}
advertised.listeners=PLAINTEXT://{host}:{advertised}
controller.listener.names=CONTROLLER
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT
log.dirs={data}
auto.create.topics.enable=false
offsets.topic.replication.factor=1
offsets.topic.num.partitions=4
share.coordinator.state.topic.replication.factor=1
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
group.initial.rebalance.delay.ms=0
"""


class ApacheKafka:
    """A broker on a free port of the loopback; its data outlives `kill` and `start`."""

    def __init__(self, folder: Path, advertised_port: int | None = None) -> None:
        """Format the storage.

        Args:
            advertised_port: where clients are told to connect, if not to the broker itself.
        """
        self._folder = folder
        self.port, controller = free_port(), free_port()
        self._properties = folder / "server.properties"
        folder.mkdir(parents=True, exist_ok=True)
        self._properties.write_text(
            _PROPERTIES.format(
                host=LOOPBACK,
                port=self.port,
                advertised=advertised_port or self.port,
                controller=controller,
                data=folder / "data/log",
            )
        )
        self._process: subprocess.Popen[bytes] | None = None
        self._java("kafka.tools.StorageTool", "format", "--standalone", "-t", "MkU3OEVBNTcwNTJENDM2Qk", "-c")

    @property
    def bootstrap_servers(self) -> str:
        return f"{LOOPBACK}:{self.port}"

    @property
    def command(self) -> list[str]:
        """How the broker is started."""
        return ["java", "-Xmx512m", "-cp", f"{JARS}/*", "kafka.Kafka", str(self._properties)]

    def start(self) -> None:
        """Start the broker and wait until it answers."""
        with (self._folder / "kafka.log").open("ab") as log:
            self._process = subprocess.Popen(self.command, stdout=log, stderr=log)
        admin = AdminClient({"bootstrap.servers": self.bootstrap_servers, "log_level": 0})
        deadline = time.monotonic() + _START_SECONDS
        while True:
            try:
                admin.list_topics(timeout=1)
            except KafkaException:
                if time.monotonic() > deadline or self._process.poll() is not None:
                    raise RuntimeError(f"Kafka did not start: {self._folder / 'kafka.log'}") from None
            else:
                return

    def kill(self) -> None:
        """kill -9."""
        assert self._process is not None
        self._process.kill()
        self._process.wait()

    def _java(self, main: str, *arguments: str) -> None:
        subprocess.run(
            ["java", "-cp", f"{JARS}/*", main, *arguments, str(self._properties)],
            check=True,
            capture_output=True,
        )
