"""Alert rules and dashboard name metrics that the service has, and each alert has its section in the documentation."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from openers.telemetry.metrics import Metrics
from tests.kit.run.project import ROOT

MONITORING = ROOT / "deploy/monitoring"
PAGE = ROOT / "docs/how-to/watch-the-service.md"
NAME = re.compile(r"openers_[a-z_]+")
LABEL = re.compile(r'\b([a-z]+)\s*(?:=|!=|=~|!~)\s*"')


def _alerts() -> list[dict[str, Any]]:
    groups = yaml.safe_load((MONITORING / "alerts.yml").read_text())["groups"]
    return [rule for group in groups for rule in group["rules"]]


def _expressions() -> Iterator[Any]:
    for alert in _alerts():
        yield pytest.param(alert["expr"], id=alert["alert"])
    for panel in json.loads((MONITORING / "grafana.json").read_text())["panels"]:
        for target in panel["targets"]:
            yield pytest.param(target["expr"], id=panel["title"])


@pytest.fixture(scope="module")
def shown() -> str:
    """Return what the service shows when each metric has counted once."""
    metrics = Metrics()
    metrics.requests_of("A005").done(200, 0.01)
    metrics.group_committed(1)
    metrics.due_run("poll", succeeded=False)
    metrics.slots_polled("11006", 0.0)
    metrics.neighbour_asked("pds", "reply", 0.01)
    metrics.exchanges_dropped(1)
    return metrics.render().decode()


@pytest.mark.parametrize("expression", list(_expressions()))
def test_an_expression_names_metrics_and_labels_that_exist(expression: str, shown: str) -> None:
    lines = [line for line in shown.splitlines() if not line.startswith("#")]
    known = {line.partition(" ")[0].partition("{")[0] for line in lines}
    named = NAME.findall(expression)
    assert named or expression.startswith("up{")
    assert set(named) <= known
    labels = {label for line in lines for label in LABEL.findall(line)} | {"job"}
    assert set(LABEL.findall(expression)) <= labels
    assert all(expression.count(one) == expression.count(other) for one, other in ("()", "{}", "[]"))


def test_each_alert_has_a_section_and_each_section_an_alert() -> None:
    sections = re.findall(r"(?m)^## (.+)$", PAGE.read_text())
    assert [alert["annotations"]["runbook"] for alert in _alerts()] == sections


def test_the_configuration_loads_the_rules_and_asks_the_usual_port() -> None:
    configuration = yaml.safe_load((MONITORING / "prometheus.yml").read_text())
    assert [(MONITORING / file).exists() for file in configuration["rule_files"]] == [True]
    (job,) = configuration["scrape_configs"]
    assert job["job_name"] == "openers"
    assert job["static_configs"] == [{"targets": ["127.0.0.1:8001"]}]
