from __future__ import annotations

from alerts.sinks import RequestState
from alerts.sinks.log import LogSink


def test_nothing_is_ever_under_way() -> None:
    assert LogSink().look("any") is RequestState.DONE
