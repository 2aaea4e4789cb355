from __future__ import annotations

import pytest

from breakerd.alerts.emulator.state.alert import Json
from breakerd.alerts.emulator.state.alerts import AlertStore, Write

T = 1_800_000_000.0


def create(book: AlertStore, now: float = T, **body: object) -> Json:
    return outcome(book, now, Write("Create", {"message": "m", "alias": "a", **body}))


def change(book: AlertStore, action: str, now: float = T, **body: object) -> Json:
    return outcome(book, now, Write(action, body, "a", "alias"))


def outcome(book: AlertStore, now: float, write: Write) -> Json:
    request_id = book.accept(now, write)
    assert request_id is not None
    result = book.result(request_id)
    assert result is not None
    return result


def history(book: AlertStore) -> list[str]:
    alert = book.find("a", "alias")
    assert alert is not None
    return [line.what for line in alert.history]


def test_a_write_takes_effect_after_the_delay_and_not_before() -> None:
    book = AlertStore(delay=2.0)
    request_id = book.accept(T, Write("Create", {"message": "m", "alias": "a"}))
    assert request_id is not None
    assert book.next_due == T + 2
    assert not book.advance(T + 1.999)
    assert book.result(request_id) is None
    assert book.find("a", "alias") is None
    assert book.advance(T + 2)
    assert book.next_due is None
    result = book.result(request_id)
    assert result is not None
    alert = book.find("a", "alias")
    assert alert is not None
    assert result["isSuccess"] is True
    assert result["status"] == "Created alert"
    assert (result["alertId"], result["alias"]) == (alert.id, "a")
    assert result["processedAt"] == "2027-01-15T08:00:02.000Z"


def test_writes_are_carried_out_in_the_order_they_came() -> None:
    book = AlertStore(delay=1.0)
    book.accept(T, Write("Create", {"message": "m", "alias": "a"}))
    book.accept(T, Write("UpdatePriority", {"priority": "P1"}, "a", "alias"))
    book.accept(T, Write("Close", {}, "a", "alias"))
    book.advance(T + 1)
    assert history(book) == ["created P3", "priority P1", "closed"]


def test_a_second_creation_of_an_open_alert_only_raises_its_count() -> None:
    book = AlertStore()
    first = create(book, message="first", priority="P4", tags=["x"], note="one")
    second = create(book, T + 9, message="second", priority="P1", tags=["y"], note="two")
    assert second["isSuccess"] is True
    assert second["alertId"] == first["alertId"]
    (alert,) = book.alerts.values()
    assert (alert.count, alert.message, alert.priority, alert.tags) == (2, "first", "P4", ["x"])
    assert [line.what for line in alert.notes] == ["one"]
    assert (alert.created_at, alert.last_occurred_at) == (T, T + 9)


def test_a_creation_after_the_closing_makes_a_new_alert() -> None:
    book = AlertStore()
    first = create(book)
    change(book, "Close")
    second = create(book, message="again")
    assert second["alertId"] != first["alertId"]
    assert [alert.status for alert in book.alerts.values()] == ["closed", "open"]
    found = book.find("a", "alias")
    assert found is not None
    assert (found.message, found.tiny_id) == ("again", "2")


def test_alerts_without_alias_are_never_the_same() -> None:
    book = AlertStore()
    create(book, alias="")
    create(book, alias="")
    assert [alert.alias for alert in book.alerts.values()] == list(book.alerts)


def test_an_alert_is_found_by_id_alias_and_tiny_id() -> None:
    book = AlertStore()
    alert_id = create(book)["alertId"]
    alert = book.alerts[alert_id]
    assert book.find(alert_id) is alert
    assert book.find("a", "alias") is alert
    assert book.find("1", "tiny") is alert
    assert book.find("a") is None
    assert book.find(alert_id, "alias") is None


def test_a_closed_alert_is_still_found_by_its_alias() -> None:
    book = AlertStore()
    create(book)
    change(book, "Close", T + 5)
    found = book.find("a", "alias")
    assert found is not None
    assert (found.status, found.closed_at) == ("closed", T + 5)


@pytest.mark.parametrize("action", ["Close", "Acknowledge", "AddNote", "UpdatePriority"])
def test_a_write_on_a_missing_alert_is_taken_and_fails(action: str) -> None:
    result = change(AlertStore(), action, note="n", priority="P1")
    assert result["isSuccess"] is False
    assert result["status"] == "Alert does not exist"
    assert result["alertId"] == ""


def test_closing_twice_fails_the_second_time() -> None:
    book = AlertStore()
    create(book)
    assert change(book, "Close")["isSuccess"] is True
    again = change(book, "Close")
    assert (again["isSuccess"], again["status"]) == (False, "Alert is already closed")
    assert history(book) == ["created P3", "closed"]


def test_a_write_that_is_not_applied_fails_and_changes_nothing() -> None:
    book = AlertStore()
    result = outcome(book, T, Write("Create", {"message": "m"}, applied=False))
    assert result["isSuccess"] is False
    assert not book.alerts


def test_notes_acknowledgement_and_priority_are_kept_with_who_and_when() -> None:
    book = AlertStore()
    create(book)
    change(book, "AddNote", T + 1, note="looking", user="ann")
    change(book, "Acknowledge", T + 2, user="ann")
    alert = next(iter(book.alerts.values()))
    assert (alert.acknowledged, alert.owner) == (True, "ann")
    change(book, "UnAcknowledge", T + 3)
    assert (alert.acknowledged, alert.owner) == (False, "")
    change(book, "UpdatePriority", T + 4, priority="P2")
    assert (alert.priority, alert.updated_at) == ("P2", T + 4)
    assert [(line.at, line.what, line.by) for line in alert.notes] == [(T + 1, "looking", "ann")]
    assert history(book) == ["created P3", "note", "acknowledged", "unacknowledged", "priority P2"]


def test_old_alerts_and_results_are_forgotten() -> None:
    book = AlertStore(kept=2)
    first = book.accept(T, Write("Create", {"message": "m", "alias": "0"}))
    for alias in ("1", "2"):
        book.accept(T, Write("Create", {"message": "m", "alias": alias}))
    assert first is not None
    assert book.result(first) is None
    assert [alert.alias for alert in book.alerts.values()] == ["1", "2"]
    assert book.find("0", "alias") is None


def test_forgetting_a_closed_alert_leaves_the_open_one_of_its_alias() -> None:
    book = AlertStore(kept=1)
    create(book)
    change(book, "Close")
    create(book, message="again")
    found = book.find("a", "alias")
    assert found is not None
    assert found.message == "again"


def test_too_many_writes_under_way_are_not_taken() -> None:
    book = AlertStore(delay=1.0, kept=1)
    assert book.accept(T, Write("Create", {"message": "m"})) is not None
    assert book.accept(T, Write("Create", {"message": "m"})) is None
    assert book.accept(T + 2, Write("Create", {"message": "m"})) is None
    book.advance(T + 2)
    assert book.accept(T + 2, Write("Create", {"message": "m"})) is not None


def test_a_copy_does_not_change_with_the_alert() -> None:
    book = AlertStore()
    create(book)
    found = book.find("a", "alias")
    assert found is not None
    copy = found.copy()
    change(book, "AddNote", note="n")
    assert len(found.notes) == 1
    assert not copy.notes
