"""Report of an incident over HTTP."""

from __future__ import annotations

from breakerd.api.routes.reports import acts_of
from breakerd.api.security.audit import AuditEntry
from tests.support.incident_plane import Plane

ENTRY = AuditEntry(
    at="2026-12-01T10:00:00.5Z",
    right="full",
    client="10.0.0.7",
    user="ada",
    action="change settings",
    breaker="payments",
    before={"latency_threshold": 800, "wait_time": 5},
    after={"latency_threshold": 600, "wait_time": 5},
    outcome="done",
    detail="",
    id="1",
    process="web-1:17",
)


def test_as_json_page_or_markdown(plane: Plane) -> None:
    path = f"/alerts/{plane.trip('payments')}/report"
    as_json = plane.client.get(path)
    assert as_json.json()["breakers"][0]["name"] == "payments"
    assert as_json.json()["in_progress"] is True
    page = plane.client.get(path, params={"format": "html"})
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert page.headers["content-security-policy"].startswith(
        "default-src 'none'; style-src 'sha256-"
    )
    assert page.text.startswith("<!doctype html>")
    text = plane.client.get(path, params={"format": "md"})
    assert text.headers["content-type"] == "text/markdown; charset=utf-8"
    assert text.text.startswith("# P3 payments")
    assert {each.headers["vary"] for each in (as_json, page, text)} == {"Accept"}


def test_the_form_follows_accept(plane: Plane) -> None:
    path = f"/alerts/{plane.trip('payments')}/report"
    for accept, form in (
        ("text/html,application/xhtml+xml;q=0.9,*/*;q=0.8", "text/html"),
        ("text/markdown;q=0.5", "text/markdown"),
        ("*/*", "application/json"),
        ("image/png", "application/json"),
    ):
        found = plane.client.get(path, headers={"Accept": accept})
        assert found.headers["content-type"].startswith(form), accept
    asked = plane.client.get(path, headers={"Accept": "text/html"}, params={"format": "json"})
    assert asked.headers["content-type"] == "application/json"


def test_by_a_part_of_the_id_or_the_alias(plane: Plane) -> None:
    alert_id = plane.trip("payments")
    alias = plane.client.get(f"/alerts/{alert_id}").json()["alias"]
    for wanted in (alert_id[:6], alias):
        assert plane.client.get(f"/alerts/{wanted}/report").json()["id"] == alert_id


def test_an_unknown_one_names_the_near_ones(plane: Plane) -> None:
    alert_id = plane.trip("payments")
    found = plane.client.get("/alerts/payment/report")
    assert found.status_code == 404
    assert found.json()["type"] == "urn:breakerd:problem:unknown-alert"
    assert f"the nearest are {alert_id} (payments, active)" in found.json()["detail"]


def test_what_operators_did_is_in_it(plane: Plane) -> None:
    alert_id = plane.trip("payments")
    acts = acts_of([ENTRY])
    report = plane.alerting.incident_report(alert_id, acts)
    assert report.made_at > report.opened_at
    assert plane.client.post("/breakers/payments/reset").status_code == 200


def test_entries_of_the_audit_log_as_events() -> None:
    failed = AuditEntry(
        {**ENTRY, "user": "", "outcome": "refused", "detail": "no", "at": "2026-12-01T09:00:00Z"}
    )
    broken = AuditEntry({**ENTRY, "at": "yesterday"})
    first, second = acts_of([ENTRY, failed, broken])
    assert (first.text, second.text) == (
        "change settings by 10.0.0.7 (refused): no; latency_threshold 800 → 600",
        "change settings by ada; latency_threshold 800 → 600",
    )
    assert (second.kind, second.breaker, second.process) == ("act", "payments", "web-1:17")
    assert second.time == 1_796_119_200.5


def test_where_alerting_does_not_run_there_is_none(plane: Plane) -> None:
    plane.alerting.close()
    found = plane.client.get("/alerts/0123abcd/report")
    assert found.status_code == 404
    assert "incidents cannot be read" in found.json()["detail"]
