"""What the trainer tells Prometheus."""

from collections.abc import Sequence

from prometheus_client import Counter, Gauge

from twin_common.models import TrainingJob
from twin_trainer.release import Move

DEAD_LETTERS = Counter(
    "twin_trainer_dead_letters_total", "Events that nobody can use, by reason.", ["reason"]
)
REQUESTS = Counter(
    "twin_trainer_requests_total", "Datasets that were announced, by what became of it.", ["outcome"]
)
JOBS = Counter("twin_trainer_jobs_total", "Trainings that ended, by how.", ["outcome"])
JOBS_WAITING = Gauge("twin_trainer_jobs_waiting", "Trainings that wait for a device.")
JOBS_PARKED = Gauge("twin_trainer_jobs_parked", "Trainings that wait for a person.")
JOBS_UNDER_WAY = Gauge("twin_trainer_jobs_under_way", "Trainings that run, on whichever machine.")
STEP = Gauge("twin_trainer_step", "Steps done in the phase under way.")
STEPS = Gauge("twin_trainer_steps", "Steps of the phase under way.")
LOSS = Gauge("twin_trainer_loss_nats", "Training loss of the last steps.")
TOKENS_PER_SECOND = Gauge("twin_trainer_tokens_per_second", "Tokens trained on a second.")
RELEASE_MOVES = Counter(
    "twin_trainer_release_moves_total", "Moves of models towards users and back.", ["move"]
)

# A series has to be there, at 0, before its first event: increase() does not see how a series is born.
for _outcome in ("done", "retried", "parked"):
    JOBS.labels(_outcome)
for _outcome in ("lined_up", "known", "parked"):
    REQUESTS.labels(_outcome)
for _reason in ("no_cloudevent", "malformed_event", "unsupported_schema"):
    DEAD_LETTERS.labels(_reason)
for _move in Move:
    RELEASE_MOVES.labels(_move.value)


def show_queue(
    waiting: Sequence[TrainingJob], parked: Sequence[TrainingJob], running: Sequence[TrainingJob]
) -> None:
    """Say how the queue stands, and how far the oldest training under way is, on whichever machine."""
    JOBS_WAITING.set(len(waiting))
    JOBS_PARKED.set(len(parked))
    JOBS_UNDER_WAY.set(len(running))
    progress = running[0].progress if running else None
    STEP.set(progress.step if progress else 0)
    STEPS.set(progress.steps if progress else 0)
    LOSS.set((progress.loss or 0.0) if progress else 0.0)
    TOKENS_PER_SECOND.set((progress.tokens_per_second or 0.0) if progress else 0.0)
