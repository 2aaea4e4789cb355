from __future__ import annotations

from pathlib import Path

import pytest

from breakerd.breaker.calls.window import SlidingWindow
from breakerd.breaker.config import BreakerSections, parse_document, read_sections
from breakerd.breaker.errors import ConfigError
from breakerd.breaker.settings import Settings


def read(text: str) -> BreakerSections:
    return read_sections(parse_document(Path("f.toml"), text))


@pytest.mark.parametrize(
    ("value", "settings", "taken"),
    [
        ("wait_time = 0", Settings(), "not set, as in go-breaker"),
        ("latency_threshold = 0.0", Settings(), "not set, as in go-breaker"),
        ("latency_window_size = 0", Settings(), "not set, as in go-breaker"),
        ("trend_analysis_min_sample_count = 0", Settings(), "not set, as in go-breaker"),
        ('percentile = ""', Settings(), "not set, as in go-breaker"),
        ("percentile = 95.0", Settings(percentile=0.95), "0.95"),
        ("percentile = 95", Settings(percentile=0.95), "0.95"),
        ("percentile = 99.9", Settings(percentile=0.999), "0.999"),
        ("percentile = 1.0", Settings(percentile=0.99999), "0.99999"),
        ("memory_threshold = 100", Settings(memory_threshold=99.99), "99.99"),
        ("latency_threshold = 1", Settings(latency_threshold=5), "5"),
    ],
)
def test_what_go_breaker_takes_is_loaded_with_a_warning(
    value: str, settings: Settings, taken: str
) -> None:
    key, _, found = value.partition(" = ")
    sections = read(f"# go-breaker\n{value}\n[breakers.a]\n")
    assert sections.root == sections.named["a"] == settings
    assert sections.root.model_fields_set == settings.model_fields_set, "a default is not set"
    (warning,) = sections.warnings
    assert str(warning) == f"f.toml:2: {key}: found {found}; taken as {taken}"
    older = read(f"[circuit_breaker]\n\n{value}\n")
    assert older.root == settings
    assert str(older.warnings[0]).startswith(f"f.toml:3: circuit_breaker.{key}: found {found}")


@pytest.mark.parametrize(
    "text",
    [
        "percentile = 100",
        "percentile = -1",
        "memory_threshold = 101",
        "wait_time = 0.5",
        "wait_time = true",
        "latency_threshold = false",
        "minimum_calls = 0",
        "trend_analysis_enabled = 0",
        "[breakers.a]\npercentile = 95",
        "[breakers.a]\nwait_time = 0",
        "[recovery]\nprobes = 0",
    ],
)
def test_what_it_does_not_take_and_what_is_not_its_own_is_refused(text: str) -> None:
    with pytest.raises(ConfigError):
        read(text)


def test_good_values_are_no_warning() -> None:
    assert read("percentile = 0.95\nmemory_threshold = 85.5\n").warnings == ()


def test_the_largest_percentile_is_the_slowest_call_of_the_largest_window() -> None:
    root = read("percentile = 1.0").root
    window = SlidingWindow(65_536, 3600, root.percentile, 1)
    window.extend(0.0, [number / 1000 for number in range(65_536)])
    assert window.percentile() == 65.535
