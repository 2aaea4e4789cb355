"""Warnings are errors in other processes too."""

from __future__ import annotations

import os
from typing import Final

_LOWEST: Final = os.environ.get("LOWEST", "") not in {"", "0"}
"""True where scripts/test-bounds runs the tests with the oldest dependencies."""

PYTHON_OPTIONS: Final = ("-W", "error") + ("-W", "ignore::DeprecationWarning") * _LOWEST
"""Options of an interpreter. The oldest dependencies deprecate each other's ways."""
