"""All dashboards, and where their JSON stands."""

from pathlib import Path

from deploy.observability.dashboards.answers import ANSWERS
from deploy.observability.dashboards.crawler import CRAWLER
from deploy.observability.dashboards.model import Dashboard
from deploy.observability.dashboards.overview import OVERVIEW
from deploy.observability.dashboards.resources import RESOURCES
from deploy.observability.dashboards.stream import STREAM
from deploy.observability.dashboards.trainer import TRAINER

ALL: tuple[Dashboard, ...] = (OVERVIEW, CRAWLER, STREAM, ANSWERS, TRAINER, RESOURCES)
FOLDER = Path(__file__).parents[1] / "grafana/dashboards"


def file_of(dashboard: Dashboard) -> Path:
    """The file that Grafana loads."""
    return FOLDER / f"{dashboard.uid}.json"
