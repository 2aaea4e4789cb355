from __future__ import annotations

from collections.abc import Iterator

import pytest
import requests

from breakerd import Breaker, BreakerOpenError, DeadlineExceeded, deadline
from breakerd.breaker.integrations.requests import BreakerAdapter
from breakerd.breaker.testing import ManualClock
from tests.unit.breaker.integrations.conftest import Origin, abandoned, totals


@pytest.fixture
def session(breaker: Breaker) -> Iterator[requests.Session]:
    with requests.Session() as session:
        session.trust_env = False
        session.mount("http://", BreakerAdapter(breaker))
        yield session


@pytest.mark.parametrize(
    ("path", "status", "counted"),
    [("/ok", 200, (1, 0, 0)), ("/refuse", 404, (1, 0, 0)), ("/away", 503, (1, 1, 0))],
)
def test_answers(
    session: requests.Session,
    breaker: Breaker,
    origin: Origin,
    path: str,
    status: int,
    counted: tuple[int, int, int],
) -> None:
    assert session.get(origin.url + path).status_code == status
    assert totals(breaker) == counted


def test_rejected_nothing_is_sent(
    session: requests.Session, breaker: Breaker, origin: Origin
) -> None:
    breaker.trip()
    with pytest.raises(BreakerOpenError):
        session.get(f"{origin.url}/ok")
    assert origin.requests == []


def test_transport_errors_count(
    session: requests.Session, breaker: Breaker, origin: Origin
) -> None:
    with pytest.raises(requests.ConnectionError):
        session.get("http://127.0.0.1:1")
    with pytest.raises(requests.exceptions.ChunkedEncodingError):
        session.get(f"{origin.url}/cut")
    assert totals(breaker) == (0, 2, 0)


def test_a_stream_ends_with_its_headers(
    session: requests.Session, breaker: Breaker, origin: Origin
) -> None:
    with session.get(f"{origin.url}/hang-body", stream=True) as response:
        assert response.status_code == 200
        assert totals(breaker) == (1, 0, 0)


def test_a_time_out_counts(session: requests.Session, breaker: Breaker, origin: Origin) -> None:
    with pytest.raises(requests.ReadTimeout):
        session.get(f"{origin.url}/hang", timeout=0.05)
    assert totals(breaker) == (0, 1, 0)


@pytest.mark.parametrize("timeout", [None, 60, (60, None)])
def test_the_deadline_limits_it_and_does_not_count(
    session: requests.Session,
    breaker: Breaker,
    origin: Origin,
    timeout: float | tuple[float, float | None] | None,
) -> None:
    with deadline(0.5), pytest.raises(requests.Timeout):
        session.get(f"{origin.url}/hang", timeout=timeout)
    assert abandoned(breaker) == 1


def test_the_deadline_limits_the_body_and_does_not_count(
    session: requests.Session, breaker: Breaker, origin: Origin
) -> None:
    with deadline(0.5), pytest.raises(requests.ConnectionError, match="timed out"):
        session.get(f"{origin.url}/hang-body")
    assert abandoned(breaker) == 1


def test_past_the_deadline_nothing_is_sent(
    session: requests.Session, breaker: Breaker, origin: Origin
) -> None:
    with deadline(-1), pytest.raises(DeadlineExceeded):
        session.get(f"{origin.url}/ok")
    assert origin.requests == []
    assert totals(breaker) == (0, 0, 0)


class Recorder(requests.adapters.BaseAdapter):
    """Answers everything, and keeps the time-outs."""

    def __init__(self) -> None:
        super().__init__()
        self.timeouts: list[object] = []
        self.closed = False

    def send(
        self,
        request: requests.PreparedRequest,
        stream: bool = False,
        timeout: float | tuple[float | None, float | None] | None = None,
        verify: bool | str = True,
        cert: str | tuple[str, str] | None = None,
        proxies: dict[str, str] | None = None,
    ) -> requests.Response:
        del request, stream, verify, cert, proxies
        self.timeouts.append(timeout)
        response = requests.Response()
        response.status_code = 200
        return response

    def close(self) -> None:
        self.closed = True


def test_both_time_outs_are_limited_by_themselves(breaker: Breaker, clock: ManualClock) -> None:
    recorder = Recorder()
    adapter = BreakerAdapter(breaker, recorder)
    request = requests.Request("GET", "http://127.0.0.1/").prepare()
    adapter.send(request, timeout=(1, 9))
    with deadline(2, clock=clock):
        for timeout in ((1, 9), (None, 1), 1, None):
            adapter.send(request, timeout=timeout)
    assert recorder.timeouts == [(1, 9), (1, 2), (2, 1), (1, 1), (2, 2)]
    adapter.close()
    assert recorder.closed
