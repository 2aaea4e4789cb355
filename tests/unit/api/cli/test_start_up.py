"""What commands load that talk to nobody."""

from __future__ import annotations

import pytest

from tests.support.fresh_interpreter import loaded

COMMAND = """
    import contextlib, io
    from breakerd.main import main

    sys.argv = ["breakerd", *{arguments}]
    with contextlib.redirect_stdout(io.StringIO()), contextlib.suppress(SystemExit):
        main()
"""


@pytest.mark.parametrize("arguments", [["--help"], ["--version"], ["check"]])
def test_a_command_that_talks_to_nobody_loads_no_network(arguments: list[str]) -> None:
    modules = loaded(COMMAND.format(arguments=arguments))
    assert "breakerd.cli" in modules
    assert not modules & {
        "breakerd.alerts.alerting",
        "asyncio",
        "fastapi",
        "httpx",
        "matplotlib",
        "opsgenie_sdk",
        "structlog",
        "uvicorn",
        "watchdog",
    }
