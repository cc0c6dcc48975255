"""From the fact that a dataset exists to the training that is asked for. Nothing here does I/O."""

from hashlib import sha256
from importlib.metadata import version

from twin_common.clock import utc_now
from twin_common.events import DatasetReady
from twin_common.models import TrainingJob
from twin_trainer.config import TrainingConfiguration


def make_job(
    dataset: DatasetReady,
    configuration: TrainingConfiguration,
    base_revision: str,
    requested_by: str,
    grid: str = "",
) -> TrainingJob:
    """The training of a dataset; asked for again, with all else equal, it is the same job."""
    return TrainingJob(
        job_key=job_key(dataset.content_hash, base_revision, configuration, grid),
        author_id=dataset.author_id,
        dataset_id=dataset.dataset_id,
        dataset_location=dataset.location,
        base_model=configuration.base_model,
        configuration=configuration.model_dump_json(),
        grid=grid,
        requested_by=requested_by,
        created_at=utc_now(),
    )


def job_key(
    content_hash: str, base_revision: str, configuration: TrainingConfiguration, grid: str = ""
) -> str:
    """sha256 over what decides the model: dataset, base model, configuration, code; and a search's grid."""
    parts = [content_hash, base_revision, configuration.fingerprint, version("twin-trainer")]
    if grid:
        parts.append(grid)
    return sha256("\0".join(parts).encode()).hexdigest()
