"""Entry point of the command `breakerd` and of `python -m breakerd`."""

import sys
from typing import NoReturn

from breakerd.api.process_signals import hold_reloads

_FROM_EXTRA = {"typer", "rich", "httpx", "fastapi", "uvicorn", "prometheus_client", "structlog"}
"""Modules that the extra `api` installs."""


def main() -> NoReturn:
    """Run the command; exit with 0 done, 1 failed, 2 wrong usage or configuration."""
    if sys.argv[1:2] == ["serve"]:
        # Before the imports, which take half a second in which a SIGHUP would end the process.
        hold_reloads()
    try:
        from breakerd.cli import app

        app(prog_name="breakerd")
    except ModuleNotFoundError as error:
        if error.name not in _FROM_EXTRA:
            raise
        advice = "install breakerd with the extra 'api': pip install '.[api]' in a clone"
        sys.exit(f"breakerd: {error.name} is not installed; {advice}")
    sys.exit(0)
