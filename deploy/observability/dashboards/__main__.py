"""Writes the JSON anew: python -m deploy.observability.dashboards."""

from deploy.observability.dashboards.catalog import ALL, file_of
from deploy.observability.dashboards.grafana import to_json


def main() -> None:
    """Write one file for each dashboard."""
    for dashboard in ALL:
        file_of(dashboard).write_text(to_json(dashboard))


if __name__ == "__main__":
    main()
