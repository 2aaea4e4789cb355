from __future__ import annotations

from pathlib import Path

import pytest

from breakerd.breaker.config import parse_document
from breakerd.breaker.errors import ConfigError
from breakerd.breaker.record.change import check_changes, refusal

DOCUMENT = parse_document(Path("b.toml"), '[history]\nkeep = "3d"\n')


@pytest.mark.parametrize("name", ["enabled", "keep", "keep_fine", "max_mb", "unknown"])
def test_what_is_decided_by_its_value(name: str) -> None:
    assert refusal(("history", name), 1, kept=True) is None


@pytest.mark.parametrize("key", [("history",), ("history", "file")])
def test_the_place_is_changed_in_the_file_only(key: tuple[str, ...]) -> None:
    problem = refusal(key, None, kept=True)
    assert problem is not None
    assert "a change in the file only" in str(problem)


def test_a_process_without_a_record_changes_nothing() -> None:
    assert "keeps none" in str(refusal(("history", "keep"), "2d", kept=False))


def test_values_are_checked() -> None:
    check_changes(DOCUMENT, {("history", "keep"): "2d", ("history", "max_mb"): None})
    with pytest.raises(ConfigError, match=r"history\.keep"):
        check_changes(DOCUMENT, {("history", "keep"): "tomorrow"})
    with pytest.raises(ConfigError, match=r"history\.kep"):
        check_changes(DOCUMENT, {("history", "kep"): "2d"})
