"""Settings that the doctor checks."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from breakerd import AlertingSettings, AlertsSettings, OpsGenieSettings
from breakerd.alerts.doctor.doctor import run_checks
from breakerd.alerts.doctor.finding import Finding
from breakerd.alerts.doctor.products import Addresses
from breakerd.alerts.emulator import Emulator
from breakerd.alerts.emulator.pytest_plugin import API_KEY

NOWHERE = {"us": "http://127.0.0.1:1", "eu": "http://127.0.0.1:1/eu"}
"""Addresses at which nobody listens."""


class Setup:
    """Settings to be examined, good ones unless changed."""

    def __init__(self, database: Path) -> None:
        self.opsgenie: dict[str, Any] = {
            "enabled": True,
            "api_key": SecretStr(API_KEY),
            "team": "payments",
            "environment": "prod",
            "bookmaker_id": "b1",
            "hostname": "box",
            "heartbeat": "beat",
        }
        self.public_url = "https://ops.example.org"
        self.alerts: dict[str, Any] = {"database": str(database), "request_timeout": 5.0}

    @property
    def settings(self) -> AlertingSettings:
        return AlertingSettings(
            OpsGenieSettings.model_validate(self.opsgenie),
            AlertsSettings.model_validate(self.alerts),
            public_url=self.public_url,
        )

    def findings(
        self,
        regions: Mapping[str, str] = NOWHERE,
        now: Callable[[], float] = time.time,
        jsm: str = NOWHERE["us"],
    ) -> dict[str, Finding]:
        """Findings by check, with these public addresses of OpsGenie and JSM."""
        addresses = Addresses(regions, jsm)
        found = list(run_checks(self.settings, addresses=addresses, now=now))
        assert API_KEY not in str(found)
        return {finding.check: finding for finding in found}


@pytest.fixture
def setup(tmp_path: Path) -> Setup:
    return Setup(tmp_path / "alerts.db")


@pytest.fixture
def at_emulator(setup: Setup, opsgenie_emulator: Emulator) -> Setup:
    """Everything is set up at the emulator, as it should be."""
    opsgenie_emulator.add_team("payments")
    opsgenie_emulator.add_heartbeat("beat", interval=1)
    setup.opsgenie["api_url"] = opsgenie_emulator.url
    return setup
