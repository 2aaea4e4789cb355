from __future__ import annotations

from breakerd.alerts.emulator.state.alert import EmulatedAlert
from breakerd.alerts.emulator.web.page import page

EVIL = '<script>alert("x")</script>'


def test_nothing_that_was_sent_is_markup() -> None:
    body = {
        "message": EVIL,
        "alias": EVIL,
        "description": EVIL,
        "tags": [EVIL],
        "details": {EVIL: EVIL},
        "note": EVIL,
        "user": EVIL,
    }
    shown = page([EmulatedAlert.from_body(0.0, body, id="i", tiny_id="1")])
    assert "<script" not in shown
    assert shown.count("&lt;script&gt;") == 7, "user names are not shown"


def test_the_page_shows_what_happened_newest_alert_first() -> None:
    alerts = [
        EmulatedAlert.from_body(n, {"message": f"alert {n}"}, id=str(n), tiny_id=str(n))
        for n in range(3)
    ]
    alerts[0].status = "closed"
    alerts[1].acknowledged = True
    shown = page(alerts)
    assert "2 open of 3" in shown
    assert shown.index("alert 2") < shown.index("alert 1") < shown.index("alert 0")
    assert "<td>closed</td>" in shown
    assert "<td>acknowledged</td>" in shown
    assert "<time>00:00:02</time> created P3" in shown


def test_only_the_newest_are_shown() -> None:
    alerts = [
        EmulatedAlert.from_body(0.0, {"message": f"alert-{n}."}, id=str(n), tiny_id=str(n))
        for n in range(201)
    ]
    shown = page(alerts)
    assert "alert-0." not in shown
    assert "alert-200." in shown


def test_the_page_renews_itself_and_says_when_it_is_empty() -> None:
    shown = page([])
    assert 'http-equiv="refresh"' in shown
    assert "Nobody has been paged yet." in shown
