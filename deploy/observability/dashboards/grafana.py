"""A dashboard as the JSON that Grafana loads."""

import json
from typing import Any

from deploy.observability.dashboards.model import Dashboard, Panel

_SOURCE = {"type": "prometheus", "uid": "prometheus"}
_COLUMNS = 24
_HEIGHTS = {"timeseries": 8, "stat": 4}
_SCHEMA_VERSION = 41


def to_json(dashboard: Dashboard) -> str:
    """The file's text, the same for the same dashboard."""
    return json.dumps(_render(dashboard), indent=1, ensure_ascii=False) + "\n"


def _render(dashboard: Dashboard) -> dict[str, Any]:
    return {
        "uid": dashboard.uid,
        "title": dashboard.title,
        "description": dashboard.description,
        "tags": ["llm-twin"],
        "schemaVersion": _SCHEMA_VERSION,
        "editable": False,
        "graphTooltip": 1,
        "refresh": "30s",
        "time": {"from": "now-1h", "to": "now"},
        "timezone": "browser",
        "links": [
            {
                "type": "dashboards",
                "title": "LLM Twin",
                "tags": ["llm-twin"],
                "asDropdown": True,
                "keepTime": True,
            }
        ],
        "annotations": {"list": [_ALERTS]},
        "panels": _panels(dashboard),
    }


_ALERTS = {
    "name": "Alerts",
    "datasource": _SOURCE,
    "enable": True,
    "iconColor": "red",
    "expr": 'ALERTS{alertstate="firing", severity="page"}',
    "titleFormat": "{{alertname}}",
    "textFormat": "{{job}}",
}


def _panels(dashboard: Dashboard) -> list[dict[str, Any]]:
    """Rows from top to bottom; the panels of a row share its width."""
    panels: list[dict[str, Any]] = []
    y = 0
    for row in dashboard.rows:
        place = {"h": 1, "w": _COLUMNS, "x": 0, "y": y}
        panels.append(
            {"id": len(panels) + 1, "type": "row", "title": row.title, "gridPos": place, "collapsed": False}
        )
        y += 1
        width = _COLUMNS // len(row.panels)
        for column, panel in enumerate(row.panels):
            place = {"h": _HEIGHTS[panel.kind], "w": width, "x": column * width, "y": y}
            panels.append({"id": len(panels) + 1, "gridPos": place} | _panel(panel))
        y += max(_HEIGHTS[panel.kind] for panel in row.panels)
    return panels


def _panel(panel: Panel) -> dict[str, Any]:
    custom: dict[str, Any] = {}
    if panel.kind == "timeseries":
        options = {
            "legend": {"displayMode": "list", "placement": "bottom", "showLegend": True},
            "tooltip": {"mode": "multi", "sort": "desc"},
        }
        custom = {"fillOpacity": 20 if panel.stacked else 5, "showPoints": "never"}
        if panel.stacked:
            custom["stacking"] = {"mode": "normal"}
        if panel.threshold is not None:
            custom["thresholdsStyle"] = {"mode": "line"}
    else:
        options = {"reduceOptions": {"calcs": ["lastNotNull"]}, "colorMode": "value", "graphMode": "area"}
    return {
        "type": panel.kind,
        "title": panel.title,
        "description": panel.meaning,
        "datasource": _SOURCE,
        "targets": [
            {
                "refId": chr(ord("A") + number),
                "datasource": _SOURCE,
                "expr": query.expression,
                "legendFormat": query.legend or "__auto",
            }
            for number, query in enumerate(panel.queries)
        ],
        "fieldConfig": {
            "defaults": {"unit": panel.unit, "custom": custom, "thresholds": _thresholds(panel.threshold)},
            "overrides": [],
        },
        "options": options,
    }


def _thresholds(bad_from: float | None) -> dict[str, Any]:
    steps: list[dict[str, Any]] = [{"color": "green", "value": None}]
    if bad_from is not None:
        steps.append({"color": "red", "value": bad_from})
    return {"mode": "absolute", "steps": steps}
