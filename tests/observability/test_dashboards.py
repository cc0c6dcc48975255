"""The committed JSON is what the Python source says, and Grafana can load it."""

import json
from typing import Any

import pytest

from deploy.observability.dashboards.catalog import ALL, FOLDER, file_of
from deploy.observability.dashboards.grafana import to_json
from deploy.observability.dashboards.model import Dashboard

every_dashboard = pytest.mark.parametrize("dashboard", ALL, ids=lambda dashboard: dashboard.uid)


def panels_of(dashboard: Dashboard) -> list[dict[str, Any]]:
    panels: list[dict[str, Any]] = json.loads(to_json(dashboard))["panels"]
    return panels


def test_the_folder_holds_the_dashboards_and_nothing_else() -> None:
    assert set(FOLDER.iterdir()) == {file_of(dashboard) for dashboard in ALL}


@every_dashboard
def test_the_committed_file_is_current(dashboard: Dashboard) -> None:
    assert file_of(dashboard).read_text() == to_json(dashboard), (
        "write them anew: python -m deploy.observability.dashboards"
    )


@every_dashboard
def test_panels_have_ids_of_their_own_and_do_not_overlap(dashboard: Dashboard) -> None:
    panels = panels_of(dashboard)
    ids = [panel["id"] for panel in panels]
    assert len(set(ids)) == len(ids)
    taken: set[tuple[int, int]] = set()
    for panel in panels:
        place = panel["gridPos"]
        cells = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert max(x for x, _ in cells) < 24
        assert not cells & taken, panel["title"]
        taken |= cells


@every_dashboard
def test_every_panel_says_what_it_means_and_asks_something(dashboard: Dashboard) -> None:
    for panel in dashboard.panels:
        assert panel.meaning.endswith("."), panel.title
        assert panel.queries, panel.title
        assert all(query.expression for query in panel.queries), panel.title
    titles = [panel.title for panel in dashboard.panels]
    assert len(set(titles)) == len(titles)
