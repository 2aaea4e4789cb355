"""Every block of the documentation runs as it is printed, or is named here with a reason."""

from __future__ import annotations

import csv
import gzip
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest

from breakerd.alerts.settings.alerting import AlertsSettings
from breakerd.alerts.settings.opsgenie import OpsGenieSettings
from breakerd.api.file_settings import read_api_section, read_file
from breakerd.breaker.config import parse_document, read_sections, validate
from breakerd.breaker.fleet.settings.fleet_settings import FleetSettings
from breakerd.breaker.record.settings import HistorySettings
from breakerd.breaker.replay import CallRecord
from tests.support.documented import PROJECT, Block, Command, blocks, commands
from tests.support.records import write_record
from tests.support.shell_session import ShellSession
from tests.support.slots import NOON, slots_of
from tests.support.traces import with_bad_time

NOT_RUN = {
    "scripts/serve": "installs into the clone; the service that it starts is started here",
    ".venv/bin/breakerd demo": "tests/e2e/test_demo.py runs it",
    "source .venv/bin/activate": "the tests have an environment of their own",
    "python3 -m venv .venv && source .venv/bin/activate": "as above",
    "pip install": "tests/e2e/test_wheel.py installs the package with its extras",
    "scripts/test tests/unit/breaker": "this is how the tests are run",
    ".venv/bin/uvx pre-commit install": "changes the clone; tests/repository checks the hooks",
    "breakerd doctor": "asks a real account; test_doctor_documentation.py compares what it prints",
}
"""Beginnings of commands that are not run, and why."""
RUN_BY_PAGE = {
    "README.md",
    "docs/command-line.md",
    "docs/emulator.md",
    "docs/http-api.md",
    "docs/migrate-to-jsm.md",
    "docs/replay.md",
    "docs/silences.md",
}
"""Pages whose commands are run below, or, for the migration, in test_migration_to_jsm.py."""
PYTHON_ELSEWHERE = {
    "README.md": "tests/docs/test_readme.py",
    "docs/embedding.md": "tests/unit/breaker/test_embedding.py",
    "docs/emulator.md": "tests/docs/test_emulator_documentation.py",
    "docs/getting-started.md": "tests/docs/test_getting_started.py",
    "docs/receivers.md": "tests/docs/test_receivers_documentation.py",
    "docs/testing.md": "tests/docs/test_testing_documentation.py",
}
"""Pages whose Python is run by another test."""
NO_EXAMPLES = {
    "docs/alerting.md": "the title of an alert",
    "docs/architecture.md": "a drawing",
    "docs/check.md": "a warning and a command, which test_check_documentation.py compares and runs",
    "docs/configuration.md": "printed by a check, see below",
    "docs/fleet.md": "a rule, which tests/fleet/hubs/test_redis_hub.py applies",
    "docs/incident-report.md": "what the command prints",
    "docs/receivers.md": "a body, which test_receivers_documentation.py compares",
    "docs/shadow.md": "printed by a command, which test_shadow_documentation.py compares",
    "docs/testing.md": "a message, which test_testing_documentation.py compares",
}
"""Pages with blocks in no language that is run, or in JSON, and what they hold."""


def test_every_block_is_run_or_named() -> None:
    for block in blocks():
        match block.language:
            case "console" | "sh":
                left = [each for each in commands(block) if not is_not_run(each)]
                assert not left or block.page in RUN_BY_PAGE, block
            case "python":
                assert block.page in {*PYTHON_ELSEWHERE, *PYTHON}, block
            case "toml":
                pass  # all are validated below
            case _:
                assert block.page in NO_EXAMPLES, block
    for test in PYTHON_ELSEWHERE.values():
        assert (PROJECT / test).is_file()


def test_nothing_is_named_that_is_not_there() -> None:
    printed = [each.text for b in blocks() for each in commands_of_shell(b)]
    assert [start for start in NOT_RUN if not any(c.startswith(start) for c in printed)] == []
    assert {*PYTHON, *PYTHON_ELSEWHERE} == {block.page for block in blocks("python")}


def commands_of_shell(block: Block) -> list[Command]:
    return commands(block) if block.language in {"console", "sh"} else []


def is_not_run(command: Command) -> bool:
    return command.text.startswith(tuple(NOT_RUN))


# --- TOML


@pytest.mark.parametrize("block", blocks("toml"), ids=str)
def test_files_are_valid(block: Block) -> None:
    document = parse_document(Path(block.page), block.text)
    read_sections(document)
    read_api_section(document)
    # Without the secret files that it names.
    models = (
        ("opsgenie", OpsGenieSettings),
        ("alerts", AlertsSettings),
        ("fleet", FleetSettings),
        ("history", HistorySettings),
    )
    for section, model in models:
        found = document.data.get(section, {})
        assert isinstance(found, dict)
        validate(model, found, document=document, prefix=(section,))


def test_the_problems_shown_are_those_of_a_check(tmp_path: Path) -> None:
    (block,) = (each for each in blocks("") if each.page == "docs/configuration.md")
    file = tmp_path / "breakers.toml"
    file.write_text("\npercentile = 950\n\n\n\n[breakers.payments]\nwait_tme = 3\n")
    with ShellSession(tmp_path) as session:
        checked = session.run("breakerd check breakers.toml")
    assert (checked.code, checked.err) == (2, block.text)


# --- Python

PYTHON = {
    "docs/alerting.md": ("", ""),
    "docs/baseline.md": (
        "",
        "\nfrom pathlib import Path\nassert Path('var/breakers.json').is_file()",
    ),
    "docs/deployment.md": ("", "\nassert payments.allow()"),
    "docs/integrations/django.md": (
        "",
        """
import unittest
import django
from django.conf import settings
from django.urls import path
urlpatterns = [path("pay", pay)]
settings.configure(MIDDLEWARE=MIDDLEWARE, ROOT_URLCONF=__name__, ALLOWED_HOSTS=["*"])
django.setup()
make_application()
unittest.main()
""",
    ),
    "docs/integrations/flask.md": ("", "\ntest_an_outage_of_payments_is_a_503()"),
    "docs/integrations/starlette.md": ("", "\ntest_an_outage_of_payments_is_a_503()"),
    "docs/load.md": (
        "from breakerd import Breaker\nbreaker = Breaker()\n",
        "\nimport asyncio\nasyncio.run(main())\nbreaker.close()",
    ),
    "docs/record.md": ("", "\nassert record.breakers() == []"),
    "docs/replay.md": (
        "",
        "\nassert [each.label for each in report.outcomes] == ['now', 'strict']",
    ),
}
"""Code before and after the page's Python."""


@pytest.mark.parametrize("page", PYTHON)
def test_python_runs_as_printed(page: str, tmp_path: Path) -> None:
    shutil.copytree(PROJECT / "config", tmp_path / "config")
    write_calls(tmp_path / "calls.csv")
    before, after = PYTHON[page]
    code = "".join(block.text for block in blocks("python") if block.page == page)
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", before + code + after],
        cwd=tmp_path,
        env={"PYTHONPATH": str(PROJECT), "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def write_calls(file: Path) -> None:
    with file.open("w", newline="") as target:
        writer = csv.writer(target)
        writer.writerow(["timestamp", "duration_ms", "outcome"])
        for call in with_bad_time(rate=5):
            writer.writerow([call.start, call.duration * 1000, "error" if call.error else "ok"])


# --- commands


@pytest.fixture
def session(tmp_path: Path) -> Iterator[ShellSession]:
    with ShellSession(tmp_path) as session:
        yield session


@pytest.fixture
def serving(session: ShellSession) -> ShellSession:
    """A session beside a service that has a file with two breakers."""
    (session.folder / "breakers.toml").write_text("[breakers.payments]\n")
    session.run("breakerd serve --config breakers.toml")
    return session


def printed(page: str) -> list[Command]:
    """The commands of a page that are run, in its order."""
    return [
        command
        for block in blocks()
        if block.page == page
        for command in commands_of_shell(block)
        if not is_not_run(command)
    ]


def test_readme(session: ShellSession) -> None:
    shutil.copytree(PROJECT / "config", session.folder / "config")
    check, serve, status, change = printed("README.md")
    assert session.perform(check).out == "config/breakers.toml: no errors\n"
    session.perform(serve)
    assert "CLOSED" in session.perform(status).out
    assert session.perform(change).out == "800\n"
    assert session.get("/breaker/latency") == {"latency": 800}
    assert "\nlatency_threshold = 800\n" in (session.folder / "config/breakers.toml").read_text()


def test_command_line(serving: ShellSession) -> None:
    (serving.folder / "wrong.toml").write_text('latency_threshold = "fast"\n')
    for command in printed("docs/command-line.md"):
        serving.perform(command)
    assert 'priority = "P2"' in (serving.folder / "breakers.toml").read_text()
    status = httpx.get(f"{serving.address('serve')}/breaker/status").json()
    assert (status["state"], status["note"]) == ("OPEN", "they deploy")


def test_http(serving: ShellSession) -> None:
    status, change = printed("docs/http-api.md")
    assert '"state":"CLOSED"' in serving.perform(status).out
    serving.perform(change)
    assert "latency_threshold = 800" in (serving.folder / "breakers.toml").read_text()


def test_silences(serving: ShellSession) -> None:
    today = datetime.now(UTC).astimezone().date()
    for day in (1, 2):  # of a month that has passed: no day that is put in is one that is shown
        shown = f"2026-11-0{day}T"
        serving.real[shown] = f"{today + timedelta(days=day)}T"
    add, misspelt, refused, later, listed, end, post = printed("docs/silences.md")
    number = serving.perform(add).out.partition("\n")[0]
    serving.perform(misspelt)
    serving.perform(refused)
    serving.perform(later)
    assert "Team=core" in serving.perform(listed).out
    serving.perform(end)
    serving.perform(post)
    found = serving.get("/silences")["silences"]
    matchers = [each["matchers"] for each in found]
    assert matchers == [["breaker=paymnts"], ["Team=core"], ["Environment=prod"]]
    assert number not in {each["id"] for each in found}


def test_emulator(session: ShellSession) -> None:
    emulator, serve, share, plan, clear = printed("docs/emulator.md")
    session.perform(emulator)
    session.perform(serve)
    faults = f"{session.address('emulator')}/emulator/faults"
    session.perform(share)
    assert [each["kind"] for each in httpx.get(faults).json()["faults"]] == ["error"]
    session.perform(plan)
    assert {each["kind"] for each in httpx.get(faults).json()["faults"]} >= {"down", "rate_limit"}
    session.perform(clear)
    assert httpx.get(faults).json()["faults"] == []


def test_replay(session: ShellSession) -> None:
    pytest.importorskip("matplotlib")
    write_calls(session.folder / "calls.csv")
    with gzip.open(session.folder / "access.log.gz", "wt") as log:
        for second in range(50):
            at = f"12/Nov/2026:10:00:{second:02} +0000"
            log.write(f'192.0.2.1 - - [{at}] "GET /a HTTP/1.1" 200 12 "-" "curl" 0.{second:03}\n')
    for name, threshold in (("breakers", 1500), ("now", 900), ("tomorrow", 400)):
        (session.folder / f"{name}.toml").write_text(f"latency_threshold = {threshold}\n")
    slots = slots_of(CallRecord(NOON + n / 2, 0.05) for n in range(1000))
    access, both, suggest, record, proposed = printed("docs/replay.md")
    assert "50" in session.perform(access).out
    assert "tomorrow" in session.perform(both).out
    assert (session.folder / "both.png").read_bytes().startswith(b"\x89PNG")
    session.perform(suggest)
    read_file(session.folder / "proposed.toml")
    (session.folder / "var").mkdir()
    for breaker in ("default", "payments"):
        moved = [replace(s, start=s.start - NOON + time.time() // 60 * 60 - 600) for s in slots]
        write_record(session.folder / "var/breakerd-history.db", breaker, moved, time.time())
    assert "now" in session.perform(record).out
    assert "latency_threshold" in session.perform(proposed).out
