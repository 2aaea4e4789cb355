from __future__ import annotations

import pytest

from breakerd.alerts.emulator.state.alert import Json
from breakerd.alerts.emulator.state.alerts import AlertStore, Write

T = 1_800_000_000.0


def create(store: AlertStore, now: float = T, **body: object) -> Json:
    return outcome(store, now, Write("Create", {"message": "m", "alias": "a", **body}))


def change(store: AlertStore, action: str, now: float = T, **body: object) -> Json:
    return outcome(store, now, Write(action, body, "a", "alias"))


def outcome(store: AlertStore, now: float, write: Write) -> Json:
    request_id = store.accept(now, write)
    assert request_id is not None
    result = store.result(request_id)
    assert result is not None
    return result


def history(store: AlertStore) -> list[str]:
    alert = store.find("a", "alias")
    assert alert is not None
    return [line.what for line in alert.history]


def test_a_write_takes_effect_after_the_delay_and_not_before() -> None:
    store = AlertStore(delay=2.0)
    request_id = store.accept(T, Write("Create", {"message": "m", "alias": "a"}))
    assert request_id is not None
    assert store.next_due == T + 2
    assert not store.advance(T + 1.999)
    assert store.result(request_id) is None
    assert store.find("a", "alias") is None
    assert store.advance(T + 2)
    assert store.next_due is None
    result = store.result(request_id)
    assert result is not None
    alert = store.find("a", "alias")
    assert alert is not None
    assert result["isSuccess"] is True
    assert result["status"] == "Created alert"
    assert (result["alertId"], result["alias"]) == (alert.id, "a")
    assert result["processedAt"] == "2027-01-15T08:00:02.000Z"


def test_writes_are_carried_out_in_the_order_they_came() -> None:
    store = AlertStore(delay=1.0)
    store.accept(T, Write("Create", {"message": "m", "alias": "a"}))
    store.accept(T, Write("UpdatePriority", {"priority": "P1"}, "a", "alias"))
    store.accept(T, Write("Close", {}, "a", "alias"))
    store.advance(T + 1)
    assert history(store) == ["created P3", "priority P1", "closed"]


def test_a_second_creation_of_an_open_alert_only_raises_its_count() -> None:
    store = AlertStore()
    first = create(store, message="first", priority="P4", tags=["x"], note="one")
    second = create(store, T + 9, message="second", priority="P1", tags=["y"], note="two")
    assert second["isSuccess"] is True
    assert second["alertId"] == first["alertId"]
    (alert,) = store.alerts.values()
    assert (alert.count, alert.message, alert.priority, alert.tags) == (2, "first", "P4", ["x"])
    assert [line.what for line in alert.notes] == ["one"]
    assert (alert.created_at, alert.last_occurred_at) == (T, T + 9)


def test_a_creation_after_the_closing_makes_a_new_alert() -> None:
    store = AlertStore()
    first = create(store)
    change(store, "Close")
    second = create(store, message="again")
    assert second["alertId"] != first["alertId"]
    assert [alert.status for alert in store.alerts.values()] == ["closed", "open"]
    found = store.find("a", "alias")
    assert found is not None
    assert (found.message, found.tiny_id) == ("again", "2")


def test_alerts_without_alias_are_never_the_same() -> None:
    store = AlertStore()
    create(store, alias="")
    create(store, alias="")
    assert [alert.alias for alert in store.alerts.values()] == list(store.alerts)


def test_an_alert_is_found_by_id_alias_and_tiny_id() -> None:
    store = AlertStore()
    alert_id = create(store)["alertId"]
    alert = store.alerts[alert_id]
    assert store.find(alert_id) is alert
    assert store.find("a", "alias") is alert
    assert store.find("1", "tiny") is alert
    assert store.find("a") is None
    assert store.find(alert_id, "alias") is None


def test_a_closed_alert_is_still_found_by_its_alias() -> None:
    store = AlertStore()
    create(store)
    change(store, "Close", T + 5)
    found = store.find("a", "alias")
    assert found is not None
    assert (found.status, found.closed_at) == ("closed", T + 5)


@pytest.mark.parametrize("action", ["Close", "AddNote", "UpdatePriority", "AddTags"])
def test_a_write_on_a_missing_alert_is_taken_and_fails(action: str) -> None:
    result = change(AlertStore(), action, note="n", priority="P1", tags=["a"])
    assert result["isSuccess"] is False
    assert result["status"] == "Alert does not exist"
    assert result["alertId"] == ""


def test_closing_twice_fails_the_second_time() -> None:
    store = AlertStore()
    create(store)
    assert change(store, "Close")["isSuccess"] is True
    again = change(store, "Close")
    assert (again["isSuccess"], again["status"]) == (False, "Alert is already closed")
    assert history(store) == ["created P3", "closed"]


def test_a_write_that_is_not_applied_fails_and_changes_nothing() -> None:
    store = AlertStore()
    result = outcome(store, T, Write("Create", {"message": "m"}, applied=False))
    assert result["isSuccess"] is False
    assert not store.alerts


def test_notes_acknowledgement_and_priority_are_kept_with_who_and_when() -> None:
    store = AlertStore()
    create(store)
    change(store, "AddNote", T + 1, note="looking", user="ann")
    change(store, "Acknowledge", T + 2, user="ann")
    alert = next(iter(store.alerts.values()))
    assert (alert.acknowledged, alert.owner) == (True, "ann")
    change(store, "UnAcknowledge", T + 3)
    assert (alert.acknowledged, alert.owner) == (False, "")
    change(store, "UpdatePriority", T + 4, priority="P2")
    assert (alert.priority, alert.updated_at) == ("P2", T + 4)
    assert [(line.at, line.what, line.by) for line in alert.notes] == [(T + 1, "looking", "ann")]
    assert history(store) == ["created P3", "note", "acknowledged", "unacknowledged", "priority P2"]


def test_updates_change_the_alert_and_are_kept_in_its_history() -> None:
    store = AlertStore()
    create(store, tags=["a"], details={"Host": "box"})
    alert = next(iter(store.alerts.values()))
    assert change(store, "UpdateMessage", T + 1, message="new")["status"] == "Updated message"
    change(store, "UpdateDescription", T + 2, description="more")
    change(store, "AddTags", T + 3, tags=["a", "b"], note="cart too", user="ann")
    change(store, "RemoveTags", T + 4, tags=["a", "none"])
    change(store, "AddDetails", T + 5, details={"Host": "other", "p95": "9 ms"})
    change(store, "RemoveDetails", T + 6, keys=["Host", "none"])
    assert (alert.message, alert.description, alert.tags) == ("new", "more", ["b"])
    assert (alert.details, alert.updated_at) == ({"p95": "9 ms"}, T + 6)
    assert (alert.priority, alert.count, alert.status) == ("P3", 1, "open")
    assert [(line.what, line.by) for line in alert.notes] == [("cart too", "ann")]
    assert history(store) == [
        "created P3", "message new", "description", "tags added a, b", "tags removed a, none",
        "details added Host, p95", "details removed Host, none",
    ]  # fmt: skip


def test_an_update_of_a_closed_alert_changes_it_and_opens_nothing() -> None:
    store = AlertStore()
    create(store)
    change(store, "Close")
    assert change(store, "UpdateMessage", message="late")["isSuccess"] is True
    assert store.summary().open == ()


def test_what_is_added_beyond_the_limits_of_an_alert_fails_and_changes_nothing() -> None:
    store = AlertStore()
    create(store, tags=["t"] + [f"t{n}" for n in range(19)], details={"k": "v" * 7_000})
    alert = next(iter(store.alerts.values()))
    assert change(store, "AddTags", tags=["t", "t0"])["isSuccess"] is True
    tags = change(store, "AddTags", tags=["one more"])
    assert (tags["isSuccess"], tags["status"]) == (False, "Alert can not have more than 20 tags")
    assert change(store, "AddDetails", details={"k": "v" * 7_999})["isSuccess"] is True
    details = change(store, "AddDetails", details={"l": ""})
    assert details["status"] == "Details can not be longer than 8000 characters in all"
    assert (len(alert.tags), list(alert.details)) == (20, ["k"])


def test_old_alerts_and_results_are_forgotten() -> None:
    store = AlertStore(kept=2)
    first = store.accept(T, Write("Create", {"message": "m", "alias": "0"}))
    for alias in ("1", "2"):
        store.accept(T, Write("Create", {"message": "m", "alias": alias}))
    assert first is not None
    assert store.result(first) is None
    assert [alert.alias for alert in store.alerts.values()] == ["1", "2"]
    assert store.find("0", "alias") is None


def test_forgetting_a_closed_alert_leaves_the_open_one_of_its_alias() -> None:
    store = AlertStore(kept=1)
    create(store)
    change(store, "Close")
    create(store, message="again")
    found = store.find("a", "alias")
    assert found is not None
    assert found.message == "again"


def test_too_many_writes_under_way_are_not_taken() -> None:
    store = AlertStore(delay=1.0, kept=1)
    assert store.accept(T, Write("Create", {"message": "m"})) is not None
    assert store.accept(T, Write("Create", {"message": "m"})) is None
    assert store.accept(T + 2, Write("Create", {"message": "m"})) is None
    store.advance(T + 2)
    assert store.accept(T + 2, Write("Create", {"message": "m"})) is not None


def test_a_copy_does_not_change_with_the_alert() -> None:
    store = AlertStore()
    create(store)
    found = store.find("a", "alias")
    assert found is not None
    copy = found.copy()
    change(store, "AddNote", note="n")
    assert len(found.notes) == 1
    assert not copy.notes
