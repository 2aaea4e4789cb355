"""`breakerd replay --history` and `breakerd suggest --history`, as people run them."""

from __future__ import annotations

import json
import re
import time
import tomllib
from dataclasses import replace
from pathlib import Path

import pytest

from breakerd.breaker.states import State
from tests.support.command import run
from tests.support.records import write_record
from tests.support.slots import NOON, slots_of
from tests.support.traces import with_bad_time

STRICT = "latency_threshold = 400\nwait_time = 2\n\n[breakers.loose]\nlatency_threshold = 9000\n"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with the record of ten minutes that ended half an hour ago."""
    folder = tmp_path_factory.mktemp("history")
    now = time.time() // 600 * 600
    slots = slots_of(with_bad_time(origin=NOON), width=10.0)
    moved = [replace(slot, start=slot.start - NOON + now - 2400) for slot in slots]
    moved[5] = replace(moved[5], state=State.OPEN, rejected={"latency": 20})
    (folder / "var").mkdir()
    write_record(folder / "var" / "breakerd-history.db", "default", moved, now)
    (folder / "strict.toml").write_text(STRICT)
    return folder


def test_a_replay_of_the_record_beside_the_file(folder: Path) -> None:
    done = run("replay", "--history", "--config", "strict.toml", folder=folder)
    assert (done.code, done.err) == (0, "")
    lines = done.out.splitlines()
    assert re.match(r"default, from .*breakerd-history\.db \(history\): \d+ calls in ", lines[0])
    trips = lines[lines.index("Trips of strict.toml") + 1]
    assert "p95" in trips
    notes = [line for line in lines if line.startswith("note: ")]
    assert any("slots of 10 s" in note and "times are known to 10 s" in note for note in notes)
    assert any(
        "20 calls" in note and "were rejected when they were recorded" in note for note in notes
    )
    assert any("0 of 1 trips of strict.toml" in note for note in notes)


def test_json_has_the_certainty(folder: Path) -> None:
    done = run("replay", "--history", "--config", "strict.toml", "--json", folder=folder)
    data = json.loads(done.out)
    assert data["format"] == "history"
    assert data["configurations"][0]["trip_count"] == 1
    certainty = data["certainty"]
    assert [each["width_seconds"] for each in certainty["slots"]] == [10]
    assert certainty["rejected_when_recorded"] == 20
    assert certainty["uncertain_trips"] == [{"name": "strict.toml", "at": []}]


def test_a_suggestion_from_the_record(folder: Path) -> None:
    done = run("suggest", "--history", "--since", "2h", folder=folder)
    assert (done.code, done.err) == (0, "")
    values = tomllib.loads(done.out)
    assert 100 < values["latency_threshold"] < 400
    assert "# - thresholds: 1 trip" in done.out


def test_another_file_of_the_record(folder: Path, tmp_path: Path) -> None:
    file = str(folder / "var" / "breakerd-history.db")
    done = run("suggest", "--history", "--record", file, "--json", folder=tmp_path)
    assert done.code == 0
    assert json.loads(done.out)["certainty"]["slots"]


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("replay", "calls.csv", "--history"), "found a trace and --history; allowed: one of them"),
        (("replay",), "found nothing to replay; allowed: a TRACE, or --history"),
        (("replay", "--history", "--since", "soon"), "--since: found 'soon'"),
        (("replay", "--history", "-b", "loose"), "no calls of breaker 'loose'; known: default"),
        (("replay", "--history", "--record", "none.db"), "none.db: no record; allowed: --record"),
        (("replay", "--history", "--since", "1m"), "no calls are recorded in that time"),
    ],
)
def test_what_cannot_be_replayed(folder: Path, arguments: tuple[str, ...], told: str) -> None:
    done = run(*arguments, "--config", "strict.toml", folder=folder)
    assert (done.code, done.out) == (2, "")
    assert told in done.err


def test_a_file_that_is_no_record(tmp_path: Path) -> None:
    (tmp_path / "record.db").write_bytes(b"nothing" * 1000)
    done = run("suggest", "--history", "--record", "record.db", folder=tmp_path)
    assert done.code == 2
    assert "record.db: cannot read the record" in done.err
