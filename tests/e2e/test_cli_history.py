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
from tests.support.command import Result, run
from tests.support.records import write_record
from tests.support.server_process import Server
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


CANDIDATE = """\
# The root.
latency_threshold = 2000

[breakers.payments]  # money
wait_time = 5

[breakers.payments.candidate]
latency_threshold = 900
memory_threshold = 70
"""


def with_record(folder: Path) -> Path:
    """Write a file of settings, and a record of the breaker in it."""
    now = time.time() // 600 * 600
    slots = slots_of(with_bad_time(origin=NOON), width=10.0)
    moved = [replace(slot, start=slot.start - NOON + now - 2400) for slot in slots]
    (folder / "var").mkdir()
    write_record(folder / "var" / "breakerd-history.db", "payments", moved, now)
    file = folder / "breakers.toml"
    file.write_text(CANDIDATE)
    return file


def suggest_candidate(folder: Path, *more: str) -> Result:
    arguments = ("suggest", "--history", "--as-candidate", "payments", "--config", "breakers.toml")
    return run(*arguments, *more, folder=folder)


def test_a_suggestion_becomes_the_candidate_in_the_file(tmp_path: Path) -> None:
    file = with_record(tmp_path)
    done = suggest_candidate(tmp_path, "--dry-run")
    assert done.code == 0
    assert "- candidate.latency_threshold = 900" in done.err
    assert "+ candidate.latency_threshold = " in done.err
    assert "- candidate.memory_threshold = 70" in done.err
    assert file.read_text() == CANDIDATE
    done = suggest_candidate(tmp_path)
    assert done.code == 0
    assert "the candidate of payments was written" in done.err
    data = tomllib.loads(file.read_text())
    proposed = tomllib.loads(done.out)
    assert data["breakers"]["payments"].pop("candidate") == proposed
    assert data == {"latency_threshold": 2000, "breakers": {"payments": {"wait_time": 5}}}
    assert "# The root." in file.read_text()
    assert "# money" in file.read_text()


def test_a_suggestion_becomes_the_candidate_of_a_service(tmp_path: Path) -> None:
    file = with_record(tmp_path)
    with Server("--config", "breakers.toml", folder=tmp_path) as server:
        done = suggest_candidate(tmp_path, "--url", server.url, "--reason", "the record says so")
        assert done.code == 0, done.err
        assert "the candidate of payments runs in the service" in done.err
        assert (
            "payments, from the service (history)"
            in run(
                *("replay", "--history", "--config", "breakers.toml", "--url", server.url),
                *("--breaker", "payments"),
                folder=tmp_path,
            ).out
        )
    candidate = tomllib.loads(file.read_text())["breakers"]["payments"]["candidate"]
    assert candidate == tomllib.loads(done.out)
    assert "the record says so" in (tmp_path / "var" / "audit.jsonl").read_text()


def test_a_candidate_that_cannot_be_written(folder: Path, tmp_path: Path) -> None:
    done = run("suggest", "calls.csv", "--as-candidate", "payments", folder=folder)
    assert done.code == 2
    assert "--as-candidate: found without --history" in done.err
    with_record(tmp_path)
    (tmp_path / "breakers.toml").write_text("")
    done = suggest_candidate(tmp_path)
    assert done.code == 2
    assert "unknown breaker 'payments'; allowed: default" in done.err
    (tmp_path / "breakers.toml").write_text("latency_threshold = 'x'\n[breakers.payments]\n")
    done = suggest_candidate(tmp_path, "--record", "var/breakerd-history.db")
    assert done.code == 2
    assert 'latency_threshold: found "x"' in done.err
