"""Output of commands when names, reasons and authors hold terminal controls."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import typer

from breakerd import Breaker, ConfigError, ConfigProblem, Settings
from breakerd.alerts.doctor.finding import Finding, fail, warning
from breakerd.alerts.model.content import AlertContent
from breakerd.alerts.model.delivery import DeliveryState
from breakerd.alerts.model.incident import Incident
from breakerd.alerts.model.note import Hold, Note
from breakerd.alerts.model.silence import SilenceRequest
from breakerd.alerts.model.stage import Stage
from breakerd.alerts.status import full_status, incident_status
from breakerd.api.cli import output
from breakerd.api.cli.client import AdminClient
from breakerd.api.cli.commands.doctor import _show
from breakerd.api.cli.demo.observer import Observer, TimelineEntry
from breakerd.api.cli.demo.timeline import timeline
from breakerd.api.security.audit import AuditEntry
from breakerd.cli import app
from tests.unit.breaker.encoding.test_printable import is_safe

HOSTILE = "x\x1b]0;title\x07\x1b[2J\x9b31m\r\nid 1 ok\u2028\u202ereversed\x7f\x85"
AT = 1_800_000_000.0


def incident() -> Incident:
    return Incident(
        id="i1",
        alias=HOSTILE,
        breaker="payments",
        kind="open",
        opened_at=AT,
        notify_at=AT,
        stages=(Stage(0, "P3"),),
        content=AlertContent(HOSTILE, HOSTILE, HOSTILE, "breakerd"),
        notes=[Note(AT, HOSTILE)],
        holds=[Hold(HOSTILE, AT)],
        muted_by=HOSTILE,
        deliveries={HOSTILE: DeliveryState(dead_letter_reason=HOSTILE, discarded=HOSTILE)},
    )


def status() -> dict[str, Any]:
    breaker = Breaker(Settings(latency_threshold=300), name="payments")
    breaker.trip(HOSTILE)
    paging = {"paging": False, "paging_problems": [HOSTILE]}
    config = {"last_reload_successful": False, "file": HOSTILE, "problems": [HOSTILE]}
    return {**breaker.status(), "config": config, "trend": HOSTILE, **paging}


def audit() -> dict[str, Any]:
    entry = dict.fromkeys(AuditEntry.__annotations__, HOSTILE)
    silence = dict.fromkeys(("id", "author", "ends_at"), HOSTILE) | {"matchers": [HOSTILE]}
    after = {"silences": [silence], HOSTILE: HOSTILE, "table": {HOSTILE: [HOSTILE]}}
    return {"entries": [{**entry, "before": {}, "after": after}], "problem": HOSTILE}


def added() -> dict[str, Any]:
    matched = [{"id": HOSTILE, "message": HOSTILE}]
    matches = {"breakers": [HOSTILE], "incidents": matched}
    return {"id": HOSTILE, "matches": matches, "warnings": [HOSTILE]}


def silences() -> dict[str, Any]:
    silence = SilenceRequest(HOSTILE, HOSTILE, 60).to_silence(AT, HOSTILE)
    window = {
        "name": HOSTILE, "matchers": [HOSTILE], "days": ["mon"], "begins": "01:00",
        "ends": "02:00", "timezone": HOSTILE, "ends_at": None, "reason": HOSTILE,
    }  # fmt: skip
    return {"silences": [silence.as_dict()], "maintenance": [window]}


ANSWERS: dict[str, Callable[[], dict[str, Any]]] = {
    "alerts list": lambda: {"alerts": [incident_status(incident(), AT)]},
    "alerts show i1": lambda: full_status(incident(), AT),
    "alerts retry i1": lambda: {"id": HOSTILE, "receivers": HOSTILE},
    "alerts discard i1 --reason x": lambda: {"id": HOSTILE, "receivers": HOSTILE},
    "audit": audit,
    "drill page": lambda: {"id": HOSTILE, "message": HOSTILE, "paging_problems": [HOSTILE]},
    "drill memory": lambda: {"message": HOSTILE, "state": HOSTILE, "note": HOSTILE},
    "silence list": silences,
    "silence add --for 1h --reason x": added,
    "status": status,
    "get name": lambda: {"name": HOSTILE},
    "trip": lambda: {"message": HOSTILE, "state": HOSTILE},
}


@pytest.mark.parametrize("form", ["for people", "for programs"])
@pytest.mark.parametrize("command", ANSWERS)
def test_no_command_sends_controls_to_the_terminal(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], command: str, form: str
) -> None:
    monkeypatch.setattr(AdminClient, "request", lambda *_: ANSWERS[command]())
    monkeypatch.setattr(output.out, "width", 80)  # whatever another test has set
    as_json = ["--json"] if form == "for programs" else []
    app([*command.split(), *as_json], standalone_mode=False)
    printed = capsys.readouterr().out
    assert "0;tit" in printed
    assert all(is_safe(line) for line in printed.split("\n")), ascii(printed)
    if not as_json:
        assert "\nid 1 ok" not in printed, "no line of its own"
    elif command == "trip":
        assert json.loads(printed) == ANSWERS[command](), "the true text"


def test_errors_are_on_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(typer.Exit):
        output.fail(HOSTILE)
    output.show_problems(ConfigError([ConfigProblem(HOSTILE, 1, HOSTILE, HOSTILE, HOSTILE)]))
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 2
    assert all(map(is_safe, lines))


def test_check_shows_no_controls_of_a_file(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "a\x1b[31m\u202e.toml"
    file.write_text('latency_threshold = "\\u001b[2J\\u202e"\n"\\u001b[2J" = 1\n')
    assert app(["check", str(file)], standalone_mode=False) == output.USAGE_ERROR
    assert all(map(is_safe, capsys.readouterr().err.split("\n")))
    file.write_text("")
    app(["check", str(file)], standalone_mode=False)
    assert all(map(is_safe, capsys.readouterr().out.split("\n")))


@pytest.mark.parametrize("make", [fail, warning])
def test_findings(
    capsys: pytest.CaptureFixture[str], make: Callable[[str, str, str], Finding]
) -> None:
    _show(make(HOSTILE, HOSTILE, HOSTILE))
    printed = capsys.readouterr().out.splitlines()
    assert len(printed) == 2
    assert all(map(is_safe, printed))


@pytest.mark.parametrize("command", ["replay", "suggest"])
def test_replays(tmp_path: Path, capsys: pytest.CaptureFixture[str], command: str) -> None:
    trace = tmp_path / "a\x1b[31m\u202e\nb.csv"
    calls = [f"{number / 10},{0.1},false" for number in range(200)]
    trace.write_text("\n".join(["start,duration,error", *calls, "\x1b[2J\u202e,x,y"]) + "\n")
    config = tmp_path / "c\x1b[31m.toml"
    config.write_text("latency_threshold = 300\n")
    more = ["--config", str(config)] if command == "replay" else []
    app([command, str(trace), *more], standalone_mode=False)
    printed = capsys.readouterr().out
    assert all(map(is_safe, printed.split("\n"))), ascii(printed)
    assert r"\x1b[31m" in printed
    if command == "suggest":
        assert all(line.startswith("#") or "=" in line or not line for line in printed.split("\n"))


def test_the_demo() -> None:
    observer = Observer.__new__(Observer)
    observer.rows = [TimelineEntry(AT, HOSTILE, HOSTILE)]
    screen = io.StringIO()
    output.TerminalConsole(file=screen, width=200).print(timeline(observer))
    assert all(map(is_safe, screen.getvalue().split("\n")))


def test_a_console_lets_no_controls_pass_that_a_view_forgot() -> None:
    screen = io.StringIO()
    console = output.TerminalConsole(file=screen, width=200)
    console.print(f"a {HOSTILE}", {"b": HOSTILE})
    assert all(map(is_safe, screen.getvalue().split("\n")))
    coloured = io.StringIO()
    output.TerminalConsole(file=coloured, force_terminal=True).print("[red]x[/]\x1b[2J")
    assert coloured.getvalue().startswith("\x1b["), "its own colours stay"
    assert "\x1b[2J" not in coloured.getvalue()
