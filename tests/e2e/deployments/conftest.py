from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.deployment.settings import ServiceFolder


@pytest.fixture
def folder(tmp_path: Path) -> ServiceFolder:
    """Where a service runs."""
    return ServiceFolder(tmp_path)
