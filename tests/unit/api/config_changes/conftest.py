from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from breakerd import Alerting, Registry
from breakerd.api.app import app_of
from breakerd.api.file_settings import MASKER
from breakerd.api.http.admin import AdminContext
from breakerd.breaker.config_log import ConfigLog
from tests.support.admin_client import Client


@pytest.fixture
def log(registry: Registry, tmp_path: Path) -> Iterator[ConfigLog]:
    assert registry.config is not None
    log = ConfigLog(registry.config, tmp_path / "var" / "breakerd-config.db", MASKER)
    log.start()
    log.rows()
    yield log
    log.close()


@pytest.fixture
def admin(registry: Registry, alerting: Alerting, log: ConfigLog) -> AdminContext:
    admin = AdminContext(registry, alerting)
    admin.config_log = log
    return admin


@pytest.fixture
def client(admin: AdminContext) -> Client:
    """A client of an admin plane that keeps a log of configurations."""
    return Client(app_of(admin))
