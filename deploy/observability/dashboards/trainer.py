"""What the trainer learns, what waits for it, and what became of its models."""

from deploy.observability.dashboards.model import Dashboard, Panel, Query, Row

_QUEUE = Row(
    "Queue",
    (
        Panel(
            "Waiting and under way",
            "One training at a time on a device. What waits while nothing is under way: see the log.",
            (
                Query("max(twin_trainer_jobs_waiting)", "waiting"),
                Query("max(twin_trainer_jobs_under_way)", "under way"),
            ),
        ),
        Panel(
            "Parked",
            "Trainings that only a person can help on; the log says why each is.",
            (Query("max(twin_trainer_jobs_parked)", "parked"),),
            threshold=1,
        ),
        Panel(
            "Trainings ended, in a day",
            "A retried one failed in a way that may pass.",
            (Query("sum by (outcome) (increase(twin_trainer_jobs_total[1d]))", "{{outcome}}"),),
        ),
        Panel(
            "Datasets announced, in a day",
            "One that is known already starts no second training.",
            (Query("sum by (outcome) (increase(twin_trainer_requests_total[1d]))", "{{outcome}}"),),
        ),
    ),
)

_TRAINING = Row(
    "The training under way",
    (
        Panel(
            "Steps",
            "Done, and in all, of its phase; each phase begins at 0.",
            (Query("max(twin_trainer_step)", "done"), Query("max(twin_trainer_steps)", "of")),
        ),
        Panel(
            "Loss",
            "Of the last steps, in nats a token; 0 between trainings. It should fall, and not to nothing.",
            (Query("max(twin_trainer_loss_nats)", "loss"),),
        ),
        Panel(
            "Tokens a second",
            "Trained on, by the stage's mean so far; 0 while nothing is learnt.",
            (Query("max(twin_trainer_tokens_per_second)", "tokens"),),
        ),
    ),
)

_MODELS = Row(
    "Models",
    (
        Panel(
            "Moves, in a day",
            "Loaded, tried on a share of the questions, promoted, and taken back.",
            (Query("sum by (move) (increase(twin_trainer_release_moves_total[1d]))", "{{move}}"),),
        ),
        Panel(
            "Unusable announcements, in an hour",
            "Datasets whose event became a dead letter: twin dlq list.",
            (Query("sum by (reason) (increase(twin_trainer_dead_letters_total[1h]))", "{{reason}}"),),
            threshold=1,
        ),
    ),
)

TRAINER = Dashboard(
    "twin-trainer",
    "Trainer",
    "What the trainer learns, what waits for it, and what became of its models.",
    (_QUEUE, _TRAINING, _MODELS),
)
