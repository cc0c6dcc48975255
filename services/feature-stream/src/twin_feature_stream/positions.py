"""The folder in which Bytewax keeps the offsets that are done, and which Kafka they belong to."""

from pathlib import Path

from bytewax.recovery import RecoveryConfig, init_db_dir

from twin_common.errors import TwinError

_PARTITIONS = 4
"""Files of the recovery store; as many workers can write at the same time. Fixed when it is made."""
_CLUSTER_FILE = "kafka-cluster-id"


class LostPosition(TwinError):
    """The offset to go on from is not in Kafka's log."""

    def __init__(self, problem: str) -> None:
        super().__init__(
            f"{problem}. Stop the service, remove the folder named by FEATURE_STREAM_RECOVERY_DIR and start "
            "it again: it then reads from the beginning, and what the index already has is skipped"
        )


def recovery(folder: Path, *, first: bool = True) -> RecoveryConfig:
    """Where Bytewax keeps its snapshots; the first process makes it when it is not there."""
    folder.mkdir(parents=True, exist_ok=True)
    if first and not any(folder.glob("*.sqlite3")):
        init_db_dir(folder, _PARTITIONS)  # type: ignore[no-untyped-call]
    return RecoveryConfig(folder)  # type: ignore[no-untyped-call]


def claim(folder: Path, cluster: str) -> None:
    """Say that the offsets in this folder are those of one Kafka cluster.

    Raises:
        LostPosition: they are those of another; in its log they mean other events.
    """
    file = folder / _CLUSTER_FILE
    known = file.read_text().strip() if file.exists() else cluster
    if known != cluster:
        raise LostPosition(f"the offsets in {folder} are of the Kafka cluster {known}, and this is {cluster}")
    folder.mkdir(parents=True, exist_ok=True)
    file.write_text(cluster)
