"""Rules that read the record of the last day, on real records."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from time import time

import pytest

from breakerd.api.advice.advise import Advice, advise
from breakerd.api.advice.rule import Subject
from breakerd.api.file_settings import settings_of
from breakerd.breaker.config import parse_document
from breakerd.breaker.history.slot import HistorySlot
from breakerd.breaker.record.reader import RecordReader
from tests.support.command import run
from tests.support.records import write_record
from tests.support.slots import NOON, slot

MINUTES = 90
NOW = NOON + MINUTES * 60
FAST = [0.02] * 18 + [0.3, 0.3]
"""Durations of the calls of ten seconds, in seconds: the 95th percentile is 300 ms."""

Told = Callable[..., list[Advice]]


def day(durations: list[float], *, in_flight: int = 5, every: int = 1) -> Iterator[HistorySlot]:
    """Yield slots of ten seconds, each with calls of those durations; `every` nth has any."""
    for number in range(0, MINUTES * 6, every):
        yield slot(durations, number=number, in_flight=in_flight, threshold=1.5)


@pytest.fixture
def told(tmp_path: Path) -> Told:
    """Return what is told of a file, with a record of `payments` that has those slots."""

    def of(text: str, slots: Iterable[HistorySlot], name: str = "payments") -> list[Advice]:
        file = tmp_path / "record.db"
        file.unlink(missing_ok=True)
        write_record(file, name, slots, NOW)
        document = parse_document(tmp_path / "b.toml", text)
        settings = settings_of(document)
        return advise(Subject(document, settings, {}, NOW, RecordReader(file)))

    return of


def test_a_threshold_that_trips_all_day(told: Told) -> None:
    (found,) = told("[breakers.payments]\nlatency_threshold = 150\n", day(FAST))
    assert (found.rule, found.line) == ("threshold-trips-all-day", 2)
    assert "'payments' it would have rejected" in found.text
    assert "the 0.95 percentile was above it in 100% of the minutes" in found.text
    assert "`breakerd suggest --history`" in found.text


@pytest.mark.parametrize(
    "text",
    [
        "latency_threshold = 600\n",
        "[slo]\nsuccess_rate = 0.9\ntimeout = 0.1\n",
        "[breakers.other]\nlatency_threshold = 150\n",
        "[breakers.payments]\n# breakerd: allow threshold-trips-all-day\nlatency_threshold = 150\n",
        "# breakerd: allow threshold-trips-all-day\n\nlatency_threshold = 150\n",
    ],
)
def test_a_threshold_that_does_not(told: Told, text: str) -> None:
    assert told(text, day(FAST)) == []


def test_a_short_time_above_it_is_no_reason(told: Told) -> None:
    slots = list(day(FAST))
    slow = [slot([2.0] * 20, number=number, threshold=1.5) for number in range(40)]
    assert told("latency_threshold = 600\n", [*slow, *slots[40:]]) == []


def test_a_limit_below_what_is_usual(told: Told) -> None:
    text = "[limiter]\nenabled = true\nmax_limit = 20\n"
    (found,) = told(text, day(FAST, in_flight=30))
    assert (found.rule, found.line) == ("limit-below-usual", 3)
    assert "30 calls or more in flight" in found.text
    assert told(text, day(FAST, in_flight=20)) == []
    assert told(text.replace("true", "false"), day(FAST, in_flight=30))[0].rule != found.rule


def test_too_few_calls_to_be_judged(told: Told) -> None:
    (found,) = told("wait_time = 5\n", day([0.1], every=6))
    assert (found.rule, found.line) == ("never-judged", 0)
    assert "has 1 calls in 60 s as a rule, and is judged from 10 on" in found.text
    (found,) = told("minimum_calls = 5\n[breakers.payments]\n", day([0.1], every=6))
    assert found.line == 1
    assert told("minimum_calls = 2\nlatency_max_age = 120\n", day([0.1], every=6)) == []
    assert told("latency_max_age = 3600\n", day([0.1], every=6)) == []


def test_a_short_record_says_nothing(told: Told) -> None:
    few = [slot(FAST, number=number, threshold=1.5) for number in range(59 * 6)]
    assert told("latency_threshold = 150\n", few) == []


def test_check_reads_the_record_that_the_file_names_or_that_is_given(tmp_path: Path) -> None:
    begin = time() // 60 * 60 - MINUTES * 60
    slots = [replace(each, start=each.start - NOON + begin) for each in day(FAST)]
    (tmp_path / "var").mkdir()
    record = tmp_path / "var/breakerd-history.db"
    write_record(record, "payments", slots, begin + MINUTES * 60)
    (tmp_path / "b.toml").write_text("latency_threshold = 150\n")
    done = run("check", "b.toml", folder=tmp_path)
    assert (done.code, done.err.count("(threshold-trips-all-day)")) == (0, 1)
    record.rename(tmp_path / "copy.db")
    assert run("check", "b.toml", folder=tmp_path).err == ""
    done = run("check", "b.toml", "--record", "copy.db", "--json", folder=tmp_path)
    assert "threshold-trips-all-day" in done.out
    done = run("check", "b.toml", "--record", "none.db", folder=tmp_path)
    assert (done.code, done.out) == (2, "")
    assert "--record: found no file 'none.db'" in done.err


def test_what_is_no_record_leaves_the_other_rules(tmp_path: Path) -> None:
    (tmp_path / "b.toml").write_text("percentile = 0.99\n")
    (tmp_path / "noise.db").write_text("no database" * 100)
    done = run("check", "b.toml", "--record", "noise.db", folder=tmp_path)
    assert done.code == 0
    note, warning = done.err.splitlines()
    assert note.startswith("note: noise.db: cannot read the record")
    assert warning.endswith("(window-too-small)")
