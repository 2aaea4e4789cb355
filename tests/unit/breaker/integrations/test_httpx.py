from __future__ import annotations

import time
from collections.abc import AsyncIterator, Iterator

import httpx
import pytest

from breakerd import Breaker, BreakerOpenError, DeadlineExceeded, deadline
from breakerd.breaker.integrations.httpx import AsyncBreakerTransport, BreakerTransport
from breakerd.breaker.testing import ManualClock
from tests.unit.breaker.integrations.conftest import Origin, abandoned, totals

NOWHERE = "http://127.0.0.1:1"


class TestSync:
    @pytest.fixture
    def client(self, breaker: Breaker, origin: Origin) -> Iterator[httpx.Client]:
        with httpx.Client(
            transport=BreakerTransport(breaker), base_url=origin.url, timeout=60
        ) as client:
            yield client

    @pytest.mark.parametrize(
        ("path", "status", "counted"),
        [("/ok", 200, (1, 0, 0)), ("/refuse", 404, (1, 0, 0)), ("/fail", 503, (0, 1, 0))],
    )
    def test_answers(
        self,
        client: httpx.Client,
        breaker: Breaker,
        path: str,
        status: int,
        counted: tuple[int, int, int],
    ) -> None:
        assert client.get(path).status_code == status
        assert totals(breaker) == counted

    def test_each_redirect_is_a_call(self, client: httpx.Client, breaker: Breaker) -> None:
        assert client.get("/away", follow_redirects=True).status_code == 503
        assert totals(breaker) == (1, 1, 0)

    def test_rejected_nothing_is_sent(
        self, client: httpx.Client, breaker: Breaker, origin: Origin
    ) -> None:
        breaker.trip()
        with pytest.raises(BreakerOpenError) as caught:
            client.get("/ok")
        assert caught.value.retry_after > 3590
        assert origin.requests == []

    def test_transport_errors_count(self, client: httpx.Client, breaker: Breaker) -> None:
        with pytest.raises(httpx.ConnectError):
            client.get(NOWHERE)
        with pytest.raises(httpx.RemoteProtocolError):
            client.get("/cut")
        assert totals(breaker) == (0, 2, 0)

    def test_the_callers_own_mistakes_do_not(self, client: httpx.Client, breaker: Breaker) -> None:
        with pytest.raises(httpx.UnsupportedProtocol):
            client.get("gopher://127.0.0.1/")
        assert totals(breaker) == (1, 0, 0)

    def test_the_call_lasts_as_long_as_the_body(
        self, client: httpx.Client, breaker: Breaker
    ) -> None:
        with client.stream("GET", "/ok") as response:
            assert totals(breaker) == (0, 0, 1)
            assert response.read() == b"ok"
        assert totals(breaker) == (1, 0, 0)

    @pytest.mark.parametrize("path", ["/hang", "/hang-body"])
    def test_a_time_out_counts(self, client: httpx.Client, breaker: Breaker, path: str) -> None:
        with pytest.raises(httpx.ReadTimeout):
            client.get(path, timeout=0.05)
        assert totals(breaker) == (0, 1, 0)

    @pytest.mark.parametrize("path", ["/hang", "/hang-body"])
    @pytest.mark.parametrize("timeout", [60, None])
    def test_the_deadline_limits_it_and_does_not_count(
        self, client: httpx.Client, breaker: Breaker, path: str, timeout: float | None
    ) -> None:
        with deadline(0.5), pytest.raises(httpx.TimeoutException):
            client.get(path, timeout=timeout)
        assert abandoned(breaker) == 1

    def test_past_the_deadline_nothing_is_sent(
        self, client: httpx.Client, breaker: Breaker, origin: Origin
    ) -> None:
        with deadline(-1), pytest.raises(DeadlineExceeded):
            client.get("/ok")
        assert origin.requests == []
        assert totals(breaker) == (0, 0, 0)

    def test_each_time_out_is_limited_by_itself(self, breaker: Breaker, clock: ManualClock) -> None:
        seen = []

        def answer(request: httpx.Request) -> httpx.Response:
            seen.append(request.extensions["timeout"])
            return httpx.Response(200)

        transport = BreakerTransport(breaker, httpx.MockTransport(answer))
        with (
            httpx.Client(transport=transport) as client,
            deadline(2, clock=clock),
        ):
            client.get(NOWHERE, timeout=httpx.Timeout(None, connect=1, read=9))
        assert seen == [{"connect": 1, "read": 2, "write": 2, "pool": 2}]


class TestAsync:
    @pytest.fixture
    async def client(self, breaker: Breaker, origin: Origin) -> AsyncIterator[httpx.AsyncClient]:
        async with httpx.AsyncClient(
            transport=AsyncBreakerTransport(breaker), base_url=origin.url, timeout=60
        ) as client:
            yield client

    async def test_answers(self, client: httpx.AsyncClient, breaker: Breaker) -> None:
        assert (await client.get("/ok")).text == "ok"
        assert (await client.get("/fail")).status_code == 503
        assert totals(breaker) == (1, 1, 0)

    async def test_rejected_nothing_is_sent(
        self, client: httpx.AsyncClient, breaker: Breaker, origin: Origin
    ) -> None:
        breaker.trip()
        with pytest.raises(BreakerOpenError):
            await client.get("/ok")
        assert origin.requests == []

    async def test_transport_errors_count(
        self, client: httpx.AsyncClient, breaker: Breaker
    ) -> None:
        with pytest.raises(httpx.ConnectError):
            await client.get(NOWHERE)
        with pytest.raises(httpx.RemoteProtocolError):
            await client.get("/cut")
        assert totals(breaker) == (0, 2, 0)

    async def test_the_call_lasts_as_long_as_the_body(
        self, client: httpx.AsyncClient, breaker: Breaker
    ) -> None:
        async with client.stream("GET", "/ok") as response:
            assert totals(breaker) == (0, 0, 1)
            assert await response.aread() == b"ok"
        assert totals(breaker) == (1, 0, 0)

    @pytest.mark.parametrize("path", ["/hang", "/hang-body"])
    async def test_the_deadline_limits_it_and_does_not_count(
        self, client: httpx.AsyncClient, breaker: Breaker, path: str
    ) -> None:
        with deadline(0.5), pytest.raises(httpx.TimeoutException):
            await client.get(path)
        assert abandoned(breaker) == 1

    async def test_a_guard_around_cancels_it(
        self, client: httpx.AsyncClient, breaker: Breaker
    ) -> None:
        around = Breaker(memory=lambda: None)
        began = time.monotonic()
        with pytest.raises(DeadlineExceeded):
            async with around.guard(timeout=0.05):
                await client.get("/hang")
        assert time.monotonic() - began >= 0.05
        assert totals(around) == (0, 1, 0)
        assert abandoned(breaker) == 1
