"""The emulator's own pages, over real sockets."""

from __future__ import annotations

import httpx
import pytest

from breakerd.alerts.emulator import Emulator
from tests.unit.alerts.emulator.conftest import create


def test_its_own_pages_need_no_key_and_are_not_in_the_request_log(
    opsgenie_emulator: Emulator, client: httpx.Client
) -> None:
    create(client)
    client.post("/v2/alerts/a/close?identifierType=alias", json={"note": "over"})
    opsgenie_emulator.fail("down")
    bare = httpx.Client(base_url=opsgenie_emulator.url)
    with bare:
        assert "<table>" in bare.get("/").text
        (alert,) = bare.get("/emulator/alerts").json()["alerts"]
        assert [line["what"] for line in alert["history"]] == ["created P3", "closed"]
        assert alert["notes"][0]["note"] == "over"
        assert alert["closedAt"].endswith("Z")
        requests = bare.get("/emulator/requests").json()["requests"]
        assert [entry["path"] for entry in requests] == [
            "/v2/alerts", "/v2/alerts/a/close",
        ]  # fmt: skip
        assert requests[0]["at"].endswith("Z")
    assert len(opsgenie_emulator.requests) == 2


@pytest.mark.parametrize(("method", "path"), [("GET", "/nothing"), ("POST", "/emulator/alerts")])
def test_other_paths_say_what_is_served(client: httpx.Client, method: str, path: str) -> None:
    response = client.request(method, path)
    assert response.status_code == 404
    assert "served are GET /" in response.json()["message"]
