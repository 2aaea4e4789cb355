"""Which product a key or an address belongs to."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from breakerd.alerts.doctor.products import (
    Addresses,
    knows_integration_key,
    knows_opsgenie_key,
    region_of,
)
from breakerd.alerts.emulator import Emulator
from breakerd.alerts.emulator.pytest_plugin import API_KEY
from breakerd.alerts.receivers.http import HttpClient
from tests.support.webhook_receiver import RecordingServer, Reply
from tests.unit.alerts.doctor.conftest import NOWHERE


@pytest.fixture
def client() -> Iterator[HttpClient]:
    made = HttpClient(5.0, {"Authorization": f"GenieKey {API_KEY}"})
    yield made
    made.close()


@pytest.mark.parametrize(
    ("url", "product"),
    [
        ("https://api.opsgenie.com", "opsgenie"),
        ("https://api.eu.opsgenie.com/", "opsgenie"),
        ("https://api.atlassian.com/", "jsm"),
        ("https://proxy.example.org", ""),
    ],
)
def test_public_addresses(url: str, product: str) -> None:
    addresses = Addresses()
    assert addresses.product_of(url) == product
    assert addresses.may_probe(url) is bool(product)
    assert addresses.may_probe(None)


def test_who_knows_a_key(
    client: HttpClient, opsgenie_emulator: Emulator, jsm_emulator: Emulator
) -> None:
    assert knows_opsgenie_key(client, f"{opsgenie_emulator.url}/") == 2
    assert knows_opsgenie_key(client, jsm_emulator.url) == 0
    assert knows_integration_key(client, f"{jsm_emulator.url}/")
    jsm_emulator.api_keys = frozenset({"another"})
    assert not knows_integration_key(client, jsm_emulator.url)
    assert not knows_integration_key(client, NOWHERE["us"])
    assert knows_opsgenie_key(client, NOWHERE["us"]) == 0


def test_the_region_of_a_key(client: HttpClient, opsgenie_emulator: Emulator) -> None:
    with RecordingServer(lambda _: Reply(403)) as restricted:
        addresses = Addresses({"us": restricted.url, "eu": opsgenie_emulator.url})
        assert region_of(client, addresses) == "us"
        assert region_of(client, addresses, above=1) == "eu"
        assert region_of(client, addresses, besides="us") == "eu"
        assert region_of(client, addresses, above=2) == ""
