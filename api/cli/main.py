"""The entry point of the command `breakerd`, also `python -m api.cli.main`."""

import sys
from typing import NoReturn

_EXTRA = {"typer", "rich", "httpx", "fastapi", "uvicorn", "prometheus_client"}


def main() -> NoReturn:
    """Runs the command; exits with 0 done, 1 failed, 2 wrong usage or configuration."""
    try:
        from api.cli.app import app  # noqa: PLC0415 - what it needs may not be installed

        app(prog_name="breakerd")
    except ModuleNotFoundError as error:
        if error.name not in _EXTRA:
            raise
        sys.exit(f"breakerd: {error.name} is not installed: pip install 'breakerd[api]'")
    sys.exit(0)


if __name__ == "__main__":
    main()
