from __future__ import annotations

import io
from typing import Any

from rich.console import Console

from breakerd.api.cli.views.audit import audit_table


def shown(**entry: Any) -> str:
    """The only row of a table, its cells separated by bars."""
    usual: dict[str, Any] = {
        "at": "2026-11-30T18:05:01.123Z",
        "right": "full token",
        "client": "10.0.0.1",
        "user": "",
        "action": "trip",
        "breaker": None,
        "before": {},
        "after": {},
        "outcome": "done",
        "detail": "",
    }
    screen = io.StringIO()
    table = audit_table([usual | entry])
    Console(file=screen, width=300).print(table)
    head, row = screen.getvalue().splitlines()
    starts = [head.index(str(column.header)) for column in table.columns]
    ends = [*starts[1:], len(row)]
    return "|".join(row[a:b].strip() for a, b in zip(starts, ends, strict=True))


def test_who_did_what_and_when() -> None:
    row = shown(user="ada", breaker="payments", detail="they [deploy]")
    assert row == (
        "2026-11-30 18:05:01Z|ada (10.0.0.1, full token)|trip|payments||done|they [deploy]"
    )
    assert "|10.0.0.1, full token|" in shown()


def test_only_what_changed() -> None:
    change = shown(
        before={"state": "CLOSED", "wait_time": 10, "same": 1},
        after={"state": "OPEN", "wait_time": 5, "same": 1, "slo": {"timeout": 2}},
    ).split("|")[4]
    assert change == 'state CLOSED → OPEN, wait_time 10 → 5, slo none → {"timeout": 2}'


def test_silences_by_what_they_match() -> None:
    silence = {
        "id": "5f0c", "matchers": ["breaker=pay*", "kind=open"], "author": "ada", "reason": "x",
        "starts_at": "2026-11-30T18:00:00Z", "ends_at": "2026-11-30T20:00:00Z",
    }  # fmt: skip
    change = shown(before={"silences": []}, after={"silences": [silence]}).split("|")[4]
    assert change == (
        "silences none → 5f0c (breaker=pay*, kind=open, by ada, until 2026-11-30T20:00:00Z)"
    )
