"""A client of the emulator."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest

from breakerd.alerts.emulator import Emulator
from breakerd.alerts.emulator.pytest_plugin import API_KEY


@pytest.fixture
def client(opsgenie_emulator: Emulator) -> Iterator[httpx.Client]:
    headers = {"Authorization": f"GenieKey {API_KEY}"}
    with httpx.Client(base_url=opsgenie_emulator.url, headers=headers, timeout=10) as made:
        yield made


def create(client: httpx.Client, alias: str = "a") -> httpx.Response:
    return client.post("/v2/alerts", json={"message": "m", "alias": alias})
