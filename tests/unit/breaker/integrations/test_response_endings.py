"""Each way in which a response can end leaves no call in flight, and counts as what it is."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import suppress

import httpx
import pytest
import requests
import respx

from breakerd import Breaker, BreakerOpenError, Settings, State
from breakerd.breaker.integrations.httpx import AsyncBreakerTransport, BreakerTransport
from breakerd.breaker.integrations.requests import BreakerAdapter
from breakerd.breaker.testing import ManualClock
from tests.unit.breaker.integrations.conftest import Origin

ANYWHERE = "http://127.0.0.1:1"
Counted = tuple[int, int, int]
GOOD, BAD, ABANDONED = (1, 0, 0), (0, 1, 0), (0, 0, 1)


def totals(breaker: Breaker) -> Counted:
    """Return successes, errors and abandoned calls; none is in flight."""
    counters = breaker.counters()
    assert counters.in_flight == 0
    return counters.success, counters.error, counters.abandoned


class HookError(Exception):
    """Exception of an event hook."""


def refuse(_response: object, *_arguments: object, **_options: object) -> None:
    raise HookError


async def refuse_later(_response: object) -> None:
    raise HookError


# --- httpx, with a real server

Sync = Callable[[httpx.Client], object]


def read(client: httpx.Client) -> None:
    client.get("/ok")


def stream_and_read(client: httpx.Client) -> None:
    with client.stream("GET", "/ok") as response:
        response.read()


def stream_and_look_at_the_status(client: httpx.Client) -> None:
    with client.stream("GET", "/ok") as response:
        assert response.status_code == 200


def stream_and_break(client: httpx.Client) -> None:
    with client.stream("GET", "/ok") as response:
        for _ in response.iter_raw(1):
            break


def stream_and_close_twice(client: httpx.Client) -> None:
    response = client.send(client.build_request("GET", "/ok"), stream=True)
    response.close()
    response.close()


def stream_and_drop(client: httpx.Client) -> None:
    client.send(client.build_request("GET", "/hang-body"), stream=True)
    gc.collect()


def stream_and_be_interrupted(client: httpx.Client) -> None:
    with pytest.raises(KeyboardInterrupt), client.stream("GET", "/hang-body"):
        raise KeyboardInterrupt


def stream_and_raise(client: httpx.Client) -> None:
    with pytest.raises(KeyError), client.stream("GET", "/hang-body"):
        raise KeyError("in what the caller does with it")


def cut(client: httpx.Client) -> None:
    with pytest.raises(httpx.RemoteProtocolError):
        client.get("/cut")


def reset(client: httpx.Client) -> None:
    with pytest.raises(httpx.ReadError):
        client.get("/reset")


def head(client: httpx.Client) -> None:
    client.head("/ok")


def hooked(client: httpx.Client) -> None:
    client.event_hooks = {"response": [refuse]}
    with pytest.raises(HookError):
        client.get("/ok")


def hooked_before(client: httpx.Client) -> None:
    client.event_hooks = {"request": [refuse]}
    with pytest.raises(HookError):
        client.get("/ok")


def redirected(client: httpx.Client) -> None:
    client.get("/away")


def redirected_and_followed(client: httpx.Client) -> None:
    client.get("/away", follow_redirects=True)


def redirected_for_ever(client: httpx.Client) -> None:
    client.max_redirects = 0
    with pytest.raises(httpx.TooManyRedirects):
        client.get("/away", follow_redirects=True)


def badly_encoded(client: httpx.Client) -> None:
    with pytest.raises(httpx.DecodingError):
        client.get("/badly-encoded")


@pytest.mark.parametrize(
    ("end", "counted"),
    [
        (read, GOOD),
        (stream_and_read, GOOD),
        (stream_and_look_at_the_status, GOOD),
        (stream_and_break, GOOD),
        (stream_and_close_twice, GOOD),
        (stream_and_drop, ABANDONED),
        (stream_and_be_interrupted, ABANDONED),
        (stream_and_raise, GOOD),
        (cut, BAD),
        (reset, BAD),
        (head, GOOD),
        (hooked, GOOD),
        (hooked_before, (0, 0, 0)),
        (redirected, GOOD),
        (redirected_and_followed, (1, 1, 0)),
        (redirected_for_ever, GOOD),
        (badly_encoded, GOOD),
    ],
)
def test_httpx(origin: Origin, breaker: Breaker, end: Sync, counted: Counted) -> None:
    transport = BreakerTransport(breaker)
    with httpx.Client(transport=transport, base_url=origin.url, timeout=60) as client:
        end(client)
        assert totals(breaker) == counted


Async = Callable[[httpx.AsyncClient], Awaitable[object]]


async def read_async(client: httpx.AsyncClient) -> None:
    await client.get("/ok")


async def look_async(client: httpx.AsyncClient) -> None:
    async with client.stream("GET", "/ok") as response:
        assert response.status_code == 200


async def break_async(client: httpx.AsyncClient) -> None:
    async with client.stream("GET", "/ok") as response:
        async for _ in response.aiter_raw(1):
            break


async def drop_async(client: httpx.AsyncClient) -> None:
    await client.send(client.build_request("GET", "/hang-body"), stream=True)
    gc.collect()


async def cancelled_while_it_connects(client: httpx.AsyncClient) -> None:
    task = asyncio.create_task(client.get("/hang"))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def cancelled_while_it_reads(client: httpx.AsyncClient) -> None:
    with pytest.raises(TimeoutError):
        async with client.stream("GET", "/hang-body") as response, asyncio.timeout(0.02):
            await response.aread()


async def cancelled_in_between(client: httpx.AsyncClient) -> None:
    entered = asyncio.Event()

    async def hold() -> None:
        async with client.stream("GET", "/hang-body"):
            entered.set()
            await asyncio.Event().wait()

    task = asyncio.create_task(hold())
    await entered.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def cut_async(client: httpx.AsyncClient) -> None:
    with pytest.raises(httpx.RemoteProtocolError):
        await client.get("/cut")


async def reset_async(client: httpx.AsyncClient) -> None:
    with pytest.raises(httpx.ReadError):
        await client.get("/reset")


async def hooked_async(client: httpx.AsyncClient) -> None:
    client.event_hooks = {"response": [refuse_later]}
    with pytest.raises(HookError):
        await client.get("/ok")


async def redirected_async(client: httpx.AsyncClient) -> None:
    await client.get("/away", follow_redirects=True)


@pytest.mark.parametrize(
    ("end", "counted"),
    [
        (read_async, GOOD),
        (look_async, GOOD),
        (break_async, GOOD),
        (drop_async, ABANDONED),
        (cancelled_while_it_connects, ABANDONED),
        (cancelled_while_it_reads, ABANDONED),
        (cancelled_in_between, ABANDONED),
        (cut_async, BAD),
        (reset_async, BAD),
        (hooked_async, GOOD),
        (redirected_async, (1, 1, 0)),
    ],
)
async def test_httpx_async(origin: Origin, breaker: Breaker, end: Async, counted: Counted) -> None:
    transport = AsyncBreakerTransport(breaker)
    async with httpx.AsyncClient(transport=transport, base_url=origin.url, timeout=60) as client:
        await end(client)
        assert totals(breaker) == counted


# --- httpx, with transports that are no server


class Stream(httpx.SyncByteStream, httpx.AsyncByteStream):
    """A body that ends with an error, as a stream of HTTP/2 that is reset does."""

    def __init__(self, error: Exception | None = None) -> None:
        self._error = error

    def __iter__(self) -> Iterator[bytes]:
        yield b"a"
        if self._error:
            raise self._error

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for chunk in self:
            yield chunk


class Cache(httpx.BaseTransport):
    """Keeps what it has read, above or below the breaker's transport."""

    def __init__(self, transport: httpx.BaseTransport) -> None:
        self._transport = transport
        self._kept: dict[httpx.URL, tuple[int, bytes]] = {}

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        if request.url not in self._kept:
            response = self._transport.handle_request(request)
            self._kept[request.url] = (response.status_code, response.read())
        status, content = self._kept[request.url]
        return httpx.Response(status, content=content)


RESET = httpx.RemoteProtocolError("<StreamReset stream_id:1, error_code:8, remote_reset:True>")
ANSWERS: list[tuple[Callable[[], httpx.Response], Counted]] = [
    (lambda: httpx.Response(200), GOOD),
    (lambda: httpx.Response(200, content=b"read already"), GOOD),
    (lambda: httpx.Response(200, json={"read": "already"}), GOOD),
    (lambda: httpx.Response(503, text="read already"), BAD),
    (lambda: httpx.Response(429, text="read already"), BAD),
    (lambda: httpx.Response(200, stream=Stream()), GOOD),
    (lambda: httpx.Response(200, stream=Stream(RESET)), BAD),
    (lambda: httpx.Response(101, stream=Stream(RESET)), GOOD),
]


def send_one(transport: httpx.BaseTransport) -> None:
    with httpx.Client(transport=transport) as client, suppress(httpx.RemoteProtocolError):
        client.get(ANYWHERE)


@pytest.mark.parametrize(("answer", "counted"), ANSWERS)
async def test_mock_transports(answer: Callable[[], httpx.Response], counted: Counted) -> None:
    mock = httpx.MockTransport(lambda _request: answer())
    breaker = Breaker(
        memory=lambda: None, failed_result=lambda response: response.status_code == 429
    )
    send_one(BreakerTransport(breaker, mock))
    assert totals(breaker) == counted
    async with httpx.AsyncClient(transport=AsyncBreakerTransport(breaker, mock)) as later:
        with suppress(httpx.RemoteProtocolError):
            await later.get(ANYWHERE)
    assert totals(breaker) == tuple(2 * count for count in counted)
    breaker.close()


def test_a_response_that_was_used_up_by_a_transport(breaker: Breaker) -> None:
    def answer(_request: httpx.Request) -> httpx.Response:
        response = httpx.Response(200, stream=Stream())
        assert list(response.iter_raw()) == [b"a"]
        return response

    transport = BreakerTransport(breaker, httpx.MockTransport(answer))
    with httpx.Client(transport=transport) as client, pytest.raises(httpx.StreamConsumed):
        client.get(ANYWHERE)
    assert totals(breaker) == GOOD


def test_respx(breaker: Breaker) -> None:
    router = respx.MockRouter()
    router.get("/").mock(side_effect=[httpx.Response(200), httpx.ConnectError("x")])
    mock = httpx.MockTransport(router.handler)
    with httpx.Client(transport=BreakerTransport(breaker, mock)) as client:
        client.get(ANYWHERE)
        with pytest.raises(httpx.ConnectError):
            client.get(ANYWHERE)
    assert totals(breaker) == (1, 1, 0)


@pytest.mark.parametrize("above", [True, False])
def test_caching_transports(breaker: Breaker, origin: Origin, above: bool) -> None:
    if above:
        transport: httpx.BaseTransport = Cache(BreakerTransport(breaker))
    else:
        transport = BreakerTransport(breaker, Cache(httpx.HTTPTransport()))
    with httpx.Client(transport=transport, base_url=origin.url) as client:
        for _ in range(3):
            assert client.get("/ok").content == b"ok"
    assert origin.requests == ["/ok"]
    assert totals(breaker) == (1 if above else 3, 0, 0)


def test_an_open_breaker_recovers_over_mocks(clock: ManualClock) -> None:
    """With calls that never end, its probes would never free their places."""
    breaker = Breaker(Settings(wait_time=1), clock=clock, memory=lambda: None)
    breaker.trip()
    mock = httpx.MockTransport(lambda _request: httpx.Response(200))
    with httpx.Client(transport=BreakerTransport(breaker, mock)) as client:
        for _ in range(60):
            clock.advance(0.1)
            with suppress(BreakerOpenError):
                client.get(ANYWHERE)
    assert breaker.state is State.CLOSED


# --- requests


@pytest.fixture
def session(breaker: Breaker) -> Iterator[requests.Session]:
    with requests.Session() as session:
        session.trust_env = False
        session.mount("http://", BreakerAdapter(breaker))
        yield session


@pytest.mark.parametrize(
    ("path", "stream", "counted"),
    [
        ("/ok", False, GOOD),
        ("/ok", True, GOOD),
        ("/fail", False, BAD),
        ("/fail", True, BAD),
        ("/away", False, (1, 1, 0)),
        ("/away", True, (1, 1, 0)),
        ("/cut", True, GOOD),
        ("/hang-body", True, GOOD),
    ],
)
def test_requests(
    session: requests.Session,
    breaker: Breaker,
    origin: Origin,
    path: str,
    stream: bool,
    counted: Counted,
) -> None:
    session.get(origin.url + path, stream=stream, timeout=60)
    assert totals(breaker) == counted


@pytest.mark.parametrize("stream", [True, False])
def test_requests_that_fail(
    session: requests.Session, breaker: Breaker, origin: Origin, stream: bool
) -> None:
    with pytest.raises(requests.ConnectionError):
        session.get(f"{origin.url}/reset", stream=stream)
    with pytest.raises(requests.ReadTimeout):
        session.get(f"{origin.url}/hang", stream=stream, timeout=0.05)
    with pytest.raises(requests.exceptions.ChunkedEncodingError):
        session.get(f"{origin.url}/cut")
    assert totals(breaker) == (0, 3, 0)


@pytest.mark.parametrize("stream", [True, False])
def test_requests_with_a_hook_that_raises(
    session: requests.Session, breaker: Breaker, origin: Origin, stream: bool
) -> None:
    session.hooks = {"response": [refuse]}
    with pytest.raises(HookError):
        session.get(f"{origin.url}/ok", stream=stream)
    assert totals(breaker) == GOOD


def test_requests_that_are_interrupted(breaker: Breaker, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(*_arguments: object, **_options: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(requests.adapters.HTTPAdapter, "send", interrupt)
    request = requests.Request("GET", ANYWHERE).prepare()
    with pytest.raises(KeyboardInterrupt):
        BreakerAdapter(breaker).send(request)
    assert totals(breaker) == ABANDONED


def test_requests_with_a_failed_result(
    session: requests.Session, breaker: Breaker, origin: Origin
) -> None:
    breaker.rules = breaker.rules.replaced(
        {"failed_result": lambda response: response.status_code == 404}
    )
    assert session.get(f"{origin.url}/refuse").status_code == 404
    assert totals(breaker) == BAD


def test_what_its_clients_ignore_is_added_to_what_the_breaker_ignores(
    session: requests.Session, breaker: Breaker, origin: Origin
) -> None:
    breaker.rules = breaker.rules.replaced({"ignore": (httpx.ReadTimeout, requests.Timeout)})
    with httpx.Client(transport=BreakerTransport(breaker)) as client:
        with pytest.raises(httpx.ReadTimeout):
            client.get(f"{origin.url}/hang", timeout=0.05)
        with pytest.raises(httpx.UnsupportedProtocol):
            client.get("gopher://127.0.0.1/")
    with pytest.raises(requests.ReadTimeout):
        session.get(f"{origin.url}/hang", timeout=0.05)
    assert totals(breaker) == (3, 0, 0)
