"""Actions of people on alerts, their directory, and the summary."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest

from breakerd.alerts.emulator import Emulator, Summary
from breakerd.alerts.emulator.pytest_plugin import API_KEY


@pytest.fixture
def client(opsgenie_emulator: Emulator) -> Iterator[httpx.Client]:
    headers = {"Authorization": f"GenieKey {API_KEY}"}
    with httpx.Client(base_url=opsgenie_emulator.url, headers=headers, timeout=10) as made:
        yield made


def create(client: httpx.Client, alias: str = "a") -> None:
    client.post("/v2/alerts", json={"message": "m", "alias": alias})


def test_people_acknowledge_and_close(opsgenie_emulator: Emulator, client: httpx.Client) -> None:
    create(client)
    opsgenie_emulator.acknowledge("a", by="ann")
    opsgenie_emulator.close("a", by="bob")
    alert = opsgenie_emulator.alert("a")
    assert alert is not None
    assert (alert.status, alert.acknowledged, alert.owner) == ("closed", True, "ann")
    assert [(line.what, line.by) for line in alert.history] == [
        ("created P3", "System"), ("acknowledged", "ann"), ("closed", "bob"),
    ]  # fmt: skip
    assert len(opsgenie_emulator.requests) == 1, "people do not go through the API"


def test_people_delete(opsgenie_emulator: Emulator, client: httpx.Client) -> None:
    create(client)
    opsgenie_emulator.delete("a")
    assert opsgenie_emulator.alert("a") is None
    assert client.get("/v2/alerts/a?identifierType=alias").status_code == 404


def test_what_is_not_open_cannot_be_acted_on(
    opsgenie_emulator: Emulator, client: httpx.Client
) -> None:
    create(client)
    opsgenie_emulator.close("a")
    for act in (opsgenie_emulator.acknowledge, opsgenie_emulator.close, opsgenie_emulator.delete):
        with pytest.raises(LookupError, match="no open alert 'a'"):
            act("a")


def test_what_people_do_is_waited_for(opsgenie_emulator: Emulator, client: httpx.Client) -> None:
    create(client)
    opsgenie_emulator.acknowledge("a")

    def acknowledged() -> bool:
        alert = opsgenie_emulator.alert("a")
        return alert is not None and alert.acknowledged

    assert opsgenie_emulator.wait_for(acknowledged)


def test_the_summary_counts(opsgenie_emulator: Emulator, client: httpx.Client) -> None:
    for alias in ("a", "a", "b", "c", "d"):
        create(client, alias)
    for alias in ("a", "b"):
        opsgenie_emulator.close(alias)
    create(client, "b")
    opsgenie_emulator.delete("d")
    expected = Summary(
        opened=5, duplicates=1, closed=2, deleted=1, open=("c", "b"), repeated=("b",)
    )
    assert opsgenie_emulator.summary() == expected
    shown = client.get("/emulator/summary").json()
    assert (shown["opened"], shown["open"]) == (5, ["c", "b"])


def test_a_closed_alert_that_is_deleted_is_counted_once(
    opsgenie_emulator: Emulator, client: httpx.Client
) -> None:
    create(client)
    opsgenie_emulator.close("a")
    client.delete("/v2/alerts/a?identifierType=alias")
    assert opsgenie_emulator.summary() == Summary(1, 0, 0, 1, (), ())


def test_teams_and_users_can_be_declared(opsgenie_emulator: Emulator, client: httpx.Client) -> None:
    opsgenie_emulator.add_team("ops")
    opsgenie_emulator.add_user("ann@b.example")
    assert client.get("/v2/teams/ops?identifierType=name").status_code == 200
    assert client.get("/v2/teams/db?identifierType=name").status_code == 404
    assert client.get("/v2/users/ann@b.example").json()["data"]["username"] == "ann@b.example"
    assert client.get("/v2/users/bob@b.example").status_code == 404


def test_the_number_of_teams_is_bounded() -> None:
    emulator = Emulator()
    for number in range(1_000):
        emulator.add_team(f"team {number}")
    with pytest.raises(ValueError, match="1000 already"):
        emulator.add_team("one more")
    emulator.stop()


def test_a_picture_arrives_as_it_was_sent(
    opsgenie_emulator: Emulator, client: httpx.Client
) -> None:
    create(client)
    png = b"\x89PNG\r\n\x1a\n" + bytes(1000)
    answer = client.post(
        "/v2/alerts/a/attachments?alertIdentifierType=alias",
        files={"file": ("chart.png", png, "image/png"), "user": (None, "breakerd")},
    )
    assert answer.status_code == 201
    alert = opsgenie_emulator.alert("a")
    assert alert is not None
    (file,) = alert.attachments
    assert (file.name, file.content_type, file.content) == ("chart.png", "image/png", png)
    assert opsgenie_emulator.requests[-1].body == {
        "user": "breakerd",
        "file": {"name": "chart.png", "type": "image/png", "size": len(png)},
    }
    (shown,) = client.get("/emulator/alerts").json()["alerts"]
    assert shown["attachments"] == [{"name": "chart.png", "type": "image/png", "size": len(png)}]


def test_a_copy_stays_as_it_was(opsgenie_emulator: Emulator, client: httpx.Client) -> None:
    create(client)
    before = opsgenie_emulator.alert("a")
    assert before is not None
    by_alias = "/v2/alerts/a/{}?identifierType=alias&alertIdentifierType=alias"
    client.post(by_alias.format("notes"), json={"note": "n"})
    client.post(by_alias.format("responders"), json={"responder": {"type": "team", "name": "ops"}})
    client.post(by_alias.format("attachments"), files={"file": ("chart.png", b"png", "image/png")})
    after = opsgenie_emulator.alert("a")
    assert after is not None
    assert (len(after.notes), len(after.responders), len(after.attachments)) == (1, 1, 1)
    assert (len(before.notes), len(before.responders), len(before.attachments)) == (0, 0, 0)
    assert (len(before.history), len(after.history)) == (1, 4)


def test_half_a_form_is_no_request(client: httpx.Client) -> None:
    answer = client.post(
        "/v2/alerts/a/attachments",
        content=b"--b\r\n",
        headers={"Content-Type": "multipart/form-data; boundary=b"},
    )
    assert answer.status_code == 400
