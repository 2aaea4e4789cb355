"""A real nginx in front of the service, with its defaults: a stranger behind it changes nothing."""

from __future__ import annotations

import socket
import subprocess
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import httpx
import pytest

from breakerd import Alerting, Registry
from breakerd.api.app import create_app
from tests.support.polling import until
from tests.support.routes import filled, routes_of
from tests.support.server_process import Server
from tests.support.system_packages import find
from tests.unit.api.security.test_exposure import HEALTH, PAGES, STATES

pytestmark = pytest.mark.needs("nginx")

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
BODY = {"threshold": 77, "confirm": True, "enabled": False, "author": "eve", "seconds": 60}
NO_SIGN = 'proxy_http_version 1.1; proxy_set_header Connection "";'
NGINX = """\
daemon off; master_process off; pid {folder}/nginx.pid; error_log {folder}/nginx.err;
events {{ }}
http {{
  access_log off;
  client_body_temp_path {folder}/1; proxy_temp_path {folder}/2; fastcgi_temp_path {folder}/3;
  uwsgi_temp_path {folder}/4; scgi_temp_path {folder}/5;
  server {{ listen 127.0.0.2:{port}; location / {{ {more} proxy_pass {url}; }} }}
}}
"""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("server")
    (folder / "breakers.toml").write_text("latency_threshold = 300\n")
    with Server("--config", "breakers.toml", "--demo-endpoints", folder=folder) as server:
        yield server


@contextmanager
def nginx(folder: Path, url: str, more: str) -> Iterator[httpx.Client]:
    """Run nginx, and give a client of it that is a stranger from outside."""
    with closing(socket.create_server(("127.0.0.2", 0))) as listener:
        port = listener.getsockname()[1]
    file = folder / "nginx.conf"
    file.write_text(NGINX.format(folder=folder, port=port, more=more, url=url))
    with subprocess.Popen([str(find("nginx")), "-c", str(file)]) as process:
        try:
            until(lambda: answers(port))
            headers = {"Host": "breakers.example.com"}
            base_url = f"http://127.0.0.2:{port}"
            with httpx.Client(base_url=base_url, headers=headers, timeout=30) as client:
                yield client
        finally:
            process.terminate()


def answers(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.2", port), 5).close()
    except OSError:
        return False
    return True


def paths() -> list[str]:
    """Paths of all routes of the application."""
    with Registry() as registry:
        app = create_app(registry, Alerting(registry), demo_endpoints=True)
        return sorted({path for _, path in routes_of(app)})


def snapshot(server: Server) -> dict[str, object]:
    """All that a stranger might change, as who has the token sees it."""
    with server.client() as client:
        kept = {
            path: client.get(path).raise_for_status().json()
            for path in ("/breaker/config", "/config", "/audit", "/alerts", "/silences")
        }
        status = client.get("/breaker/status").json()
        kept["state"] = [status[key] for key in ("state", "enabled", "drill", "calls")]
        kept["endpoint"] = client.get("/status").json()["server"]["current_delay_ms"]
    return kept | {"file": (server.folder / "breakers.toml").read_text()}


def ask(client: httpx.Client, method: str, path: str) -> int:
    """Return the status of the answer; events would go on without end."""
    body = BODY if method in {"POST", "PUT", "PATCH"} else None
    with client.stream(method, filled(path), json=body) as answer:
        return answer.status_code


@pytest.mark.parametrize("headers", [{}, {"Authorization": "Bearer guessed"}], ids=["", "guessing"])
def test_behind_its_defaults_a_stranger_gets_nothing(
    server: Server, tmp_path: Path, headers: dict[str, str]
) -> None:
    before = snapshot(server)
    with nginx(tmp_path, server.url, "") as client:
        client.headers.update(headers)
        for path in paths():
            for method in METHODS:
                status = ask(client, method, path)
                if method in {"GET", "HEAD"} and path in HEALTH | PAGES:
                    assert status in {200, 308}, (method, path, status)
                else:
                    assert status in {401, 405}, (method, path, status)
    assert snapshot(server) == before


def test_without_any_sign_a_stranger_reads_states_and_no_more(
    server: Server, tmp_path: Path
) -> None:
    before = snapshot(server)
    with nginx(tmp_path, server.url, NO_SIGN) as client:
        for path in paths():
            for method in METHODS:
                if path == "/test" and method in {"GET", "HEAD"}:
                    continue  # a call of the demonstration's endpoint is what it is for
                status = ask(client, method, path)
                if method in {"GET", "HEAD"} and path in HEALTH | PAGES | STATES:
                    assert status in {200, 308, 404, 405}, (method, path, status)
                else:
                    assert status in {401, 405}, (method, path, status)
    assert snapshot(server) == before


def test_who_has_the_token_is_let_in(server: Server, tmp_path: Path) -> None:
    with nginx(tmp_path, server.url, "") as client:
        client.headers.update(server.headers())
        assert client.post("/breaker/disabled").status_code == 200
        assert client.get("/audit").json()["entries"][0]["right"] == "made token"
        assert client.post("/breaker/enabled").status_code == 200
