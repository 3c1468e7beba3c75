"""Metrics are counted by operation, and separately for each process object."""

from __future__ import annotations

from openers.telemetry.metrics import Metrics


def test_requests_are_counted_by_operation_and_status_class() -> None:
    """Statuses of one class share a series; impossible statuses are counted too."""
    metrics = Metrics()
    meter = metrics.requests_of("A005")
    for status in (200, 201, 422, 503, 99):
        meter.done(status, 0.002)
    lines = metrics.render().decode().splitlines()
    assert 'openers_request_seconds_count{operation="A005",status="2xx"} 2.0' in lines
    assert 'openers_request_seconds_bucket{le="0.0025",operation="A005",status="2xx"} 2.0' in lines
    for group in ("4xx", "5xx", "other"):
        assert f'openers_request_seconds_count{{operation="A005",status="{group}"}} 1.0' in lines


def test_groups_and_due_work_are_counted() -> None:
    """Metrics show the size of audit groups, and due work by kind and outcome."""
    metrics = Metrics()
    metrics.group_committed(16)
    metrics.due_run("purge", succeeded=True)
    metrics.due_run("purge", succeeded=False)
    lines = metrics.render().decode().splitlines()
    assert "openers_audit_group_entries_sum 16.0" in lines
    assert 'openers_due_items_total{kind="purge",outcome="done"} 1.0' in lines
    assert 'openers_due_items_total{kind="purge",outcome="failed"} 1.0' in lines


def test_polls_are_told_by_service() -> None:
    """The metric shows when each service was last polled."""
    metrics = Metrics()
    metrics.slots_polled("11001", 1.0)
    metrics.slots_polled("11001", 1700000000.5)
    lines = metrics.render().decode().splitlines()
    assert 'openers_slots_polled_seconds{service="11001"} 1.7000000005e+09' in lines


def test_two_process_objects_do_not_meet() -> None:
    """Each object shows only its own counts."""
    one, two = Metrics(), Metrics()
    one.requests_of("A005").done(200, 0.1)
    assert b"A005" not in two.render()
