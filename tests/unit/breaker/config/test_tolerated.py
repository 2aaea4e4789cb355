from __future__ import annotations

from pathlib import Path

import pytest

from breakerd import Registry
from breakerd.breaker.config import WarningLog, parse_document, tolerated
from tests.support.saved_file import save


def test_a_warning_has_the_place_of_the_value() -> None:
    document = parse_document(Path("f.toml"), "\n[t]\na = 0\n")
    warning = tolerated(document, ("t", "a"), 0, "1")
    assert str(warning) == "f.toml:3: t.a: found 0; taken as 1"


def test_each_is_logged_once_until_it_was_gone(caplog: pytest.LogCaptureFixture) -> None:
    document = parse_document(Path("f.toml"), "a = 0\nb = 0\n")
    first, second = (tolerated(document, (key,), 0, "1") for key in "ab")
    log = WarningLog("breakerd.test")
    for warnings in ((first,), (first, second), (), (first,)):
        log.tell(warnings)
    told = [record.getMessage().rpartition("problem=")[2] for record in caplog.records]
    assert told == [str(first), str(second), str(first)]


def test_a_running_process_warns_when_the_file_is_applied(
    path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path.write_text("percentile = 95.0\n")
    with Registry.from_file(path, watch=False) as registry:
        registry.change("default", {"wait_time": 5})
        registry.change("default", {"wait_time": 6})
        assert caplog.text.count(f"{path}:1: percentile: found 95.0; taken as 0.95") == 1
        assert path.read_text() == "percentile = 95.0\nwait_time = 6\n", "it stays as it is"
        assert registry.get().settings.percentile == 0.95
        assert registry.config is not None
        save(path, "wait_time = 0\n")
        assert registry.config.reload()
        assert "wait_time: found 0" in caplog.text
        registry.change("default", {"wait_time": 7})
        assert path.read_text() == "wait_time = 7\n"
