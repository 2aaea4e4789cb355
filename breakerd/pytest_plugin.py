"""Pytest plugin, loaded in every run where breakerd is installed; `-p no:breakerd` leaves it out.

It imports nothing of breakerd before a test asks for its fixture.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from breakerd.testing import Breakers


@pytest.fixture
def breakers() -> Iterator[Breakers]:
    """Take over all breakers for the test: closed, empty, on a manual clock; then put them back."""
    from breakerd.testing import take_over

    with take_over() as taken:
        yield taken
