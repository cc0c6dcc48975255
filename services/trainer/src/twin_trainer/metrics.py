"""What the trainer tells Prometheus."""

from prometheus_client import Counter, Gauge

DEAD_LETTERS = Counter(
    "twin_trainer_dead_letters_total", "Events that nobody can use, by reason.", ["reason"]
)
REQUESTS = Counter(
    "twin_trainer_requests_total", "Datasets that were announced, by what became of it.", ["outcome"]
)
JOBS = Counter("twin_trainer_jobs_total", "Trainings that ended, by how.", ["outcome"])
JOBS_WAITING = Gauge("twin_trainer_jobs_waiting", "Trainings that wait for a device.")
JOBS_PARKED = Gauge("twin_trainer_jobs_parked", "Trainings that wait for a person.")
JOB_UNDER_WAY = Gauge("twin_trainer_job_under_way", "1 while this copy trains.")
STEP = Gauge("twin_trainer_step", "Steps done in the phase under way.")
STEPS = Gauge("twin_trainer_steps", "Steps of the phase under way.")
LOSS = Gauge("twin_trainer_loss_nats", "Training loss of the last steps.")
TOKENS_PER_SECOND = Gauge("twin_trainer_tokens_per_second", "Tokens trained on a second.")
RELEASE_MOVES = Counter(
    "twin_trainer_release_moves_total", "Moves of models towards users and back.", ["move"]
)
