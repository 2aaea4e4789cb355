from __future__ import annotations

import io
from typing import Any

import pytest
from rich.console import Console

from breakerd.api.cli.views.config import _last_day_lines, change_lines, log_table


def change(key: str, before: object, after: object) -> dict[str, Any]:
    return {"key": key, "before": before, "after": after, "secret": False}


def shown(*changes: dict[str, Any], **values: Any) -> list[str]:
    """The lines of the only configuration of a log, at 80 columns."""
    usual: dict[str, Any] = {
        "number": 12,
        "at": "2026-12-01 11:31:44Z",
        "way": "command line",
        "by": "root",
        "author": "root by the command line with the made token",
        "right": "made token",
        "reason": "",
        "changes": list(changes),
        "temporary": [],
        "written": True,
    }
    screen = io.StringIO()
    Console(file=screen, width=80).print(log_table([usual | values]))
    return [line.rstrip() for line in screen.getvalue().splitlines()]


def test_eighty_columns_are_enough() -> None:
    lines = shown(
        change("breakers.payments.latency_threshold", 500, 120), reason="too slow [last night]"
    )
    assert lines == [
        "12  2026-12-01 11:31:44Z  root (cli, made token)",
        "    breakers.payments.latency_threshold: 500 → 120",
        "    reason: too slow [last night]",
    ]


def test_who() -> None:
    one = change("wait_time", 5, 10)
    assert shown(one, way="http", by="", right="")[0].endswith("  somebody (HTTP)")
    assert shown(one, way="file", author="edit of the file")[0].endswith("  edit of the file")


def test_what_there_is_besides_changes() -> None:
    assert shown(changes=None)[1:] == ["    the oldest in the log"]
    assert shown(changes=None, number=1)[1:] == ["   first seen"]
    assert shown(temporary=["wait_time"], written=False)[1:] == [
        "    temporary values ended or became lasting",
        "    (temporary, not in the file)",
    ]
    many = [change(f"key{number}", 1, 2) for number in range(6)]
    assert shown(*many)[-2:] == ["    key3: 1 → 2", "    2 more"]


def test_a_candidate_that_goes_is_one_line_behind_the_others() -> None:
    changes = [
        change("breakers.payments.candidate.latency_threshold", 120, None),
        change("breakers.payments.candidate.recovery.ramp", [0.5], None),
        change("breakers.payments.latency_threshold", 500, 120),
        change("candidate.wait_time", 7, None),
    ]
    assert change_lines(changes) == [
        "breakers.payments.latency_threshold: 500 → 120",
        "breakers.payments.candidate: 2 settings removed",
        "candidate.wait_time: 7 → not set",
    ]


@pytest.mark.parametrize(
    ("estimated", "expected"),
    [
        (False, "now 73 trips, 1,234 rejected, 56 of them good"),
        (True, "now about 70 trips, 1,000 rejected;"),
    ],
)
def test_an_estimate_is_told_as_one(estimated: bool, expected: str) -> None:
    effect = {"trips": 73, "rejected": 1234, "good_rejected": 56, "let_pass": 7}
    found = {"calls": 9, "estimated": estimated, "current": effect, "proposed": effect, "notes": []}
    lines = list(_last_day_lines({"breakers": {"payments": found}, "problem": None}))
    assert expected in lines[0]
