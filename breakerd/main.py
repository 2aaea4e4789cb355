"""The entry point of the command `breakerd` and of `python -m breakerd`."""

import sys
from typing import NoReturn

_EXTRA = {"typer", "rich", "httpx", "fastapi", "uvicorn", "prometheus_client"}


def main() -> NoReturn:
    """Runs the command; exits with 0 done, 1 failed, 2 wrong usage or configuration."""
    try:
        from breakerd.cli import app

        app(prog_name="breakerd")
    except ModuleNotFoundError as error:
        if error.name not in _EXTRA:
            raise
        sys.exit(f"breakerd: {error.name} is not installed: pip install 'breakerd[api]'")
    sys.exit(0)
