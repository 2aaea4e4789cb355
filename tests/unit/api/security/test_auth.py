from __future__ import annotations

import base64
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest
from pydantic import SecretStr

from breakerd import ConfigError, Registry
from breakerd.api.app import create_app
from breakerd.api.security.auth import Access
from breakerd.api.security.loopback import is_loopback
from breakerd.api.security.tokens import Tokens
from breakerd.api.settings import ApiSettings
from tests.support.admin_client import Client

FULL, READ = "grün and voilà", "only-read"
Ask = Callable[..., httpx.Response]


@pytest.fixture
def ask(unfiled: Registry) -> Ask:
    """Asks a plane that has both tokens, from another machine."""
    tokens = Tokens(full=SecretStr(FULL), read=SecretStr(READ))
    app = create_app(unfiled, access=Access(tokens))

    client = Client(app, base_url="http://ops.example", address="10.1.2.3", stranger=True)

    def asked(path: str, method: str = "GET", **more: object) -> httpx.Response:
        return client.request(method, path, **more)

    return asked


def bearer(token: str) -> dict[bytes, bytes]:
    return {b"authorization": b"Bearer " + token.encode()}


def basic(token: str) -> dict[str, str]:
    return {"authorization": "Basic " + base64.b64encode(f"any:{token}".encode()).decode()}


@pytest.mark.parametrize("headers", [bearer(FULL), basic(FULL)])
def test_the_full_token_may_change(ask: Ask, headers: object) -> None:
    assert ask("/breaker/disabled", "POST", headers=headers).status_code == 200


@pytest.mark.parametrize("headers", [bearer(READ), basic(READ)])
def test_the_read_token_may_look_and_not_change(ask: Ask, headers: object) -> None:
    assert ask("/breaker/status", headers=headers).status_code == 200
    assert ask("/metrics", headers=headers).status_code == 200
    refused = ask("/breaker/disabled", "POST", headers=headers)
    assert refused.status_code == 403
    assert "BREAKERD_TOKEN" in refused.json()["detail"]
    assert ask("/breaker/enabled", headers=bearer(READ)).json() == {"enabled": True}


@pytest.mark.parametrize(
    "headers",
    [
        {},
        bearer("wrong"),
        bearer(""),
        basic("wrong"),
        {"authorization": "Basic not-base-64!"},
        {"authorization": FULL.encode()},
        {"authorization": "Digest x"},
    ],
)
@pytest.mark.parametrize(
    ("path", "method"),
    [
        ("/breaker/status", "GET"),
        ("/breaker/latency", "POST"),
        ("/breakers/nope/status", "GET"),
        ("/events", "GET"),
        ("/metrics", "GET"),
        ("/openapi.json", "GET"),
    ],
)
def test_without_a_known_token_nothing_is_answered(
    ask: Ask, headers: object, path: str, method: str
) -> None:
    answer = ask(path, method, headers=headers)
    assert answer.status_code == 401
    assert answer.headers["content-type"] == "application/problem+json"
    assert "WWW-Authenticate" in answer.headers


def test_a_body_is_not_looked_at_before_the_token(ask: Ask) -> None:
    assert ask("/breaker/latency", "POST", content=b"{no json").status_code == 401


@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
def test_health_needs_no_token(ask: Ask, path: str) -> None:
    assert ask(path).status_code == 200


def test_the_dashboard_needs_none_and_asks_for_it_by_itself(ask: Ask) -> None:
    for path in ("/", "/dashboard/", "/dashboard/app.js"):
        assert ask(path).status_code == 200
    assert ask("/breaker/status").headers["WWW-Authenticate"].startswith("Bearer")


def test_a_page_of_another_site_is_refused_whatever_it_knows(ask: Ask) -> None:
    for origin in ("http://evil.example", "https://ops.example:444", "null", "http://["):
        headers = {b"origin": origin.encode(), **bearer(FULL)}
        assert ask("/breaker/disabled", "POST", headers=headers).status_code == 403
    for origin in ("http://ops.example", "http://OPS.example:80", "https://ops.example"):
        headers = {b"origin": origin.encode(), **bearer(FULL)}
        assert ask("/breaker/enabled", "POST", headers=headers).status_code == 200


def test_tokens_come_from_the_environment_before_files(tmp_path: Path) -> None:
    (tmp_path / "full").write_text(" from-file\n")
    settings = ApiSettings(token_file=str(tmp_path / "full"))
    assert Tokens.load(settings, {}) == Tokens(full=SecretStr("from-file"))
    found = Tokens.load(settings, {"BREAKERD_TOKEN": "a", "BREAKERD_READ_TOKEN": "b"})
    assert found == Tokens(full=SecretStr("a"), read=SecretStr("b"))
    assert not Tokens.load(ApiSettings(), {"BREAKERD_TOKEN": " "})
    assert "from-file" not in repr(Tokens.load(settings, {}))


@pytest.mark.parametrize(
    ("content", "words"),
    [(None, "cannot be read"), (" \n", "an empty file"), ("two\nlines", "that no header can hold")],
)
def test_a_token_file_must_hold_one(tmp_path: Path, content: str | None, words: str) -> None:
    path = tmp_path / "token"
    if content is not None:
        path.write_text(content)
    with pytest.raises(ConfigError, match=words) as caught:
        Tokens.load(ApiSettings(read_token_file=str(path)), {})
    assert caught.value.problems[0].key == "api.read_token_file"
    assert str(path) not in str(caught.value), "the path may be the token itself"


@pytest.mark.parametrize("token", ["two\nlines", "\udcff-not-utf-8", "a\x01b", "pasted\u200b-in"])
def test_a_token_that_no_header_can_hold_is_refused_at_once(token: str) -> None:
    with pytest.raises(ConfigError, match="no header can hold") as caught:
        Tokens.load(ApiSettings(), {"BREAKERD_READ_TOKEN": token})
    assert caught.value.problems[0].key == "BREAKERD_READ_TOKEN"
    assert token not in str(caught.value)


def test_a_guessed_token_is_logged_once_a_minute_and_not_shown(
    ask: Ask, caplog: pytest.LogCaptureFixture
) -> None:
    assert ask("/audit").status_code == 401
    assert "request refused" not in caplog.text, "the dashboard asks so, and then shows a form"
    for _ in range(3):
        assert ask("/breakers/a%0Ab/status", headers=bearer("guess-1")).status_code == 401
    assert caplog.text.count("request refused") == 1
    assert "10.1.2.3" in caplog.text
    assert "GET /breakers/a\\nb/status" in caplog.text.replace("\\\\", "\\")
    assert "guess-1" not in caplog.text


@pytest.mark.parametrize(
    ("method", "headers", "why"),
    [
        ("POST", {}, "A token is required"),
        ("POST", {"authorization": f"Bearer {READ}"}, "The read token may not change"),
        ("GET", {"origin": "http://evil.example"}, "Cross-origin request"),
        ("GET", {"authorization": "Bearer guess"}, "The token is not valid"),
    ],
)
def test_each_kind_of_refusal_is_logged(
    ask: Ask, caplog: pytest.LogCaptureFixture, method: str, headers: dict[str, str], why: str
) -> None:
    assert ask("/breaker/wait", method, headers=headers).status_code in {401, 403}
    assert why in caplog.text


@pytest.mark.parametrize("path", ["/audit", "/nope", "/dashboard", "/breaker/reset"])
@pytest.mark.parametrize("host", ["[", "a]b", "127.0.0.1:x", ""])
def test_a_host_that_is_none_gets_an_answer(ask: Ask, host: str, path: str) -> None:
    answer = ask(path, headers={"host": host}, follow_redirects=False)
    assert answer.status_code in {308, 401, 404, 405}
    assert answer.headers["cache-control"] == "no-store"


def test_loopback_is_told_from_the_rest() -> None:
    assert all(map(is_loopback, ["127.9.9.9", "localhost", "LOCALHOST.", "[::1]"]))
    assert not any(map(is_loopback, ["0.0.0.0", "::", "localhost.example", "", "10.0.0.1"]))
