from __future__ import annotations

from collections.abc import Iterator

from benchmarks.calls.peer_comparison import installed
from benchmarks.peers import sync_peers
from benchmarks.peers.peer import Peer


def gone() -> Iterator[Peer]:
    raise ImportError("No module named 'gone'")
    yield


def test_a_package_that_is_not_installed_has_a_row_that_says_so() -> None:
    found, (missing,) = installed({"naive": sync_peers.naive_go_breaker, "gone": gone})
    assert len(found) == 3
    assert missing.note == "not measured: No module named 'gone'"
