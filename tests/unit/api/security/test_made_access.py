"""Access where no token is set: the made token, loopback, and signs of a proxy."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from fastapi import FastAPI
from pydantic import SecretStr

from breakerd import Registry, admin_router
from breakerd.api.app import create_app
from breakerd.api.security import proxy
from breakerd.api.security.auth import Access
from breakerd.api.security.made_token import MadeToken
from breakerd.api.security.tokens import Tokens
from breakerd.api.settings import ApiSettings
from tests.support.admin_client import Client

PROTECTED = [
    "/config",
    "/audit",
    "/alerts",
    "/silences",
    "/breaker/config",
    "/breaker/latency",
    "/breakers/default/wait",
    "/breaker/staged-alerts",
    "/breaker/opsgenie/status",
]
STATES = ["/breakers", "/breaker/status", "/breakers/default/enabled", "/metrics", "/openapi.json"]
READ = {"authorization": "Bearer only-read"}


@pytest.fixture
def stranger(unfiled: Registry) -> Client:
    """A client on this machine that has no token."""
    return Client(create_app(unfiled), stranger=True)


@pytest.fixture
def admin(unfiled: Registry) -> Client:
    """The same with the made token."""
    return Client(create_app(unfiled))


def test_a_change_needs_the_made_token(stranger: Client, admin: Client, tmp_path: Path) -> None:
    refused = stranger.post("/breaker/disabled")
    assert refused.status_code == 401
    assert "var/token" in refused.json()["detail"]
    assert str(tmp_path) not in refused.text
    assert stranger.get("/breaker/enabled").json() == {"enabled": True}
    assert admin.post("/breaker/disabled").status_code == 200
    assert admin.get("/audit").json()["entries"][0]["right"] == "made token"
    wrong = stranger.post("/breaker/enabled", headers={"authorization": "Bearer wrong"})
    assert (wrong.status_code, "not valid" in wrong.json()["detail"]) == (401, True)


@pytest.mark.parametrize("path", PROTECTED)
def test_settings_and_alerts_need_it_for_reading_too(
    stranger: Client, admin: Client, path: str
) -> None:
    assert stranger.get(path).status_code == 401
    assert stranger.request("HEAD", path).status_code == 401
    assert admin.get(path).status_code in {200, 404}, "without alerting it is a 404"


@pytest.mark.parametrize("path", STATES)
def test_states_and_metrics_are_read_without_a_token(
    stranger: Client, path: str, tmp_path: Path
) -> None:
    assert stranger.get(path).status_code == 200
    assert stranger.request("HEAD", path).status_code == 200
    assert not (tmp_path / "var").exists(), "no file is needed for it"


@pytest.mark.parametrize("path", ["/", "/dashboard/", "/dashboard/app.js", "/healthz", "/readyz"])
def test_the_dashboards_files_and_health_are_read_from_anywhere(
    unfiled: Registry, path: str
) -> None:
    client = Client(create_app(unfiled), address="10.1.2.3", stranger=True)
    assert client.get(path, headers={"via": "1.1 p"}).status_code == 200


@pytest.mark.parametrize(
    ("address", "host", "status"),
    [
        ("127.0.0.1", "127.0.0.1:8080", 200),
        ("::1", "[::1]:8080", 200),
        ("::ffff:127.0.0.1", "localhost", 200),
        ("127.0.0.1", "breakerd.localhost:80", 200),
        ("10.1.2.3", "127.0.0.1:8080", 401),
        ("127.0.0.1", "rebound.example", 401),
        ("127.0.0.1", "127.0.0.1:port", 401),
    ],
)
def test_only_this_machine_reads_states(
    unfiled: Registry, address: str, host: str, status: int
) -> None:
    app = create_app(unfiled)
    headers = {"host": host}
    stranger = Client(app, address=address, stranger=True)
    assert stranger.get("/breaker/status", headers=headers).status_code == status
    with_token = Client(app, address=address).get("/breaker/status", headers=headers)
    assert with_token.status_code == 200


NAMES = [
    "Forwarded",
    "X-Forwarded-For",
    "X-Forwarded-Host",
    "X-Forwarded-Proto",
    "X-Forwarded-Server",
    "X-Forwarded",
    "X-Forward-For",
    "Via",
    "X-Real-IP",
    "CF-Connecting-IP",
    "CF-Ray",
    "CF-Visitor",
    "True-Client-IP",
    "X-Client-IP",
    "X-Cluster-Client-IP",
    "Fastly-Client-IP",
    "Fastly-SSL",
    "X-Envoy-External-Address",
    "X-Envoy-Attempt-Count",
    "X-Original-Forwarded-For",
    "X-Original-URL",
    "X-Azure-ClientIP",
    "X-Azure-FDID",
    "X-AppEngine-User-IP",
    "X-Amzn-Trace-Id",
    "X-Amz-Cf-Id",
    "X-Cloud-Trace-Context",
    "X-ARR-LOG-ID",
    "X-ARR-SSL",
    "X-ProxyUser-IP",
    "X-Vercel-Forwarded-For",
    "Fly-Client-IP",
    "Tailscale-User-Login",
    "X-Goog-Authenticated-User-Email",
    "X-Varnish",
    "CDN-Loop",
    "Surrogate-Capability",
    "Akamai-Origin-Hop",
    "DO-Connecting-IP",
    "Client-IP",
    "X-Scheme",
]


@pytest.mark.parametrize("loopback", ["read", "open"])
@pytest.mark.parametrize(
    "name", [*NAMES, *sorted(proxy.HEADERS), *(f"{prefix}x" for prefix in proxy.PREFIXES)]
)
def test_any_sign_of_a_proxy_asks_for_the_token(
    unfiled: Registry, name: str, loopback: str
) -> None:
    access = Access.from_settings(ApiSettings.model_validate({"loopback": loopback}))
    client = Client(create_app(unfiled, access=access), stranger=True)
    answer = client.get("/breaker/status", headers={name: "x"})
    assert answer.status_code == 401
    assert f"proxy ({name.lower()})" in answer.json()["detail"]
    assert client.post("/breaker/disabled", headers={name: "x"}).status_code == 401


async def test_so_does_the_http_of_nginx(unfiled: Registry) -> None:
    for version, status in (("1.0", 401), ("1.1", 200), ("2", 200)):
        scope = {
            "type": "http",
            "http_version": version,
            "method": "GET",
            "path": "/breaker/status",
            "query_string": b"",
            "headers": [(b"host", b"localhost")],
            "client": ("127.0.0.1", 50000),
        }
        answers: list[int] = []

        async def receive() -> dict[str, object]:
            return {"type": "http.request"}

        async def send(message: dict[str, object], answers: list[int] = answers) -> None:
            if message["type"] == "http.response.start":
                answers.append(message["status"])  # type: ignore[arg-type]  # an int by its type

        await create_app(unfiled)(scope, receive, send)  # type: ignore[arg-type]  # of ASGI
        assert answers == [status], version


@pytest.mark.parametrize("names", [{}, {"loopback": "read"}])
def test_a_router_of_a_host_has_the_same_rules(unfiled: Registry, names: dict[str, str]) -> None:
    host = FastAPI()
    settings = ApiSettings.model_validate(names) if names else None
    host.include_router(admin_router(unfiled, settings=settings), prefix="/ops")
    stranger = Client(host, stranger=True)
    assert stranger.post("/ops/breaker/disabled").status_code == 401
    assert stranger.get("/ops/audit").status_code == 401
    assert stranger.get("/ops/breakers", headers={"via": "p"}).status_code == 401
    assert stranger.get("/ops/breakers").status_code == 200
    assert Client(host).post("/ops/breaker/disabled").status_code == 200


def test_a_router_of_a_host_reads_the_token_of_the_files_settings(
    unfiled: Registry, tmp_path: Path
) -> None:
    (tmp_path / "full").write_text("it-is-set")
    host = FastAPI()
    host.include_router(admin_router(unfiled, settings=ApiSettings(token_file="full")))
    headers = {"authorization": "Bearer it-is-set"}
    assert Client(host, stranger=True).get("/breakers").status_code == 401
    assert Client(host).get("/breakers").status_code == 401, "the made token is none here"
    assert Client(host, stranger=True).get("/breakers", headers=headers).status_code == 200


def test_with_the_read_token_alone_the_made_one_changes(unfiled: Registry) -> None:
    access = Access(Tokens(read=SecretStr("only-read")))
    app = create_app(unfiled, access=access)
    stranger = Client(app, stranger=True)
    assert stranger.get("/breaker/status").status_code == 401, "a token is set"
    assert stranger.get("/audit", headers=READ).status_code == 200
    refused = stranger.post("/breaker/disabled", headers=READ)
    assert (refused.status_code, "var/token" in refused.json()["detail"]) == (403, True)
    assert Client(app).post("/breaker/disabled").status_code == 200


def test_open_to_loopback_lets_it_change_and_is_told(unfiled: Registry) -> None:
    access = Access(loopback="open")
    client = Client(create_app(unfiled, access=access), stranger=True)
    assert client.post("/breaker/disabled").status_code == 200
    assert client.get("/breaker/latency").status_code == 200
    assert client.get("/audit").json()["entries"][0]["right"] == "loopback"
    ready = client.get("/readyz")
    assert ready.status_code == 200
    assert ready.json()["checks"]["access"].startswith("risk: whoever reaches")
    foreign = {"origin": "http://evil.example"}
    assert client.post("/breaker/enabled", headers=foreign).status_code == 403


def test_open_to_loopback_is_nothing_where_a_token_is_set(unfiled: Registry) -> None:
    access = Access(Tokens(full=SecretStr("full")), loopback="open")
    client = Client(create_app(unfiled, access=access), stranger=True)
    assert client.post("/breaker/disabled").status_code == 401
    assert access.risk is None


def test_without_a_place_for_the_token_changes_are_refused_and_told(
    unfiled: Registry, tmp_path: Path
) -> None:
    (tmp_path / "var").write_text("a file where the folder should be")
    access = Access()
    access.start()
    app = create_app(unfiled, access=access)
    client = Client(app, stranger=True)
    refused = client.post("/breaker/disabled", headers={"authorization": "Bearer x"})
    assert refused.status_code == 401
    assert "could not make one (Not a directory): set BREAKERD_TOKEN" in refused.json()["detail"]
    assert client.get("/breaker/status").status_code == 200
    ready = client.get("/readyz")
    assert (ready.status_code, ready.json()["checks"]["access"]) == (200, "failing")
    (tmp_path / "var").unlink()
    assert Client(app).post("/breaker/disabled").status_code == 200, "repaired, without a restart"
    assert client.get("/readyz").json()["checks"]["access"] == "ok"


def test_where_none_shall_be_made_nobody_changes_anything(
    unfiled: Registry, tmp_path: Path
) -> None:
    access = Access.from_settings(ApiSettings(made_token_file=""))
    access.start()
    client = Client(create_app(unfiled, access=access), stranger=True)
    refused = client.post("/breaker/disabled", headers={"authorization": "Bearer "})
    assert (refused.status_code, "BREAKERD_TOKEN" in refused.json()["detail"]) == (401, True)
    assert client.get("/readyz").json()["checks"]["access"] == "ok"
    assert not list(tmp_path.iterdir())


def test_a_deleted_file_ends_its_token_at_once(unfiled: Registry, tmp_path: Path) -> None:
    app = create_app(unfiled)
    old = MadeToken().get()
    assert old is not None
    (tmp_path / "var/token").unlink()
    headers = {"authorization": f"Bearer {old.get_secret_value()}"}
    stranger = Client(app, stranger=True)
    assert stranger.post("/breaker/disabled", headers=headers).status_code == 401
    assert Client(app).post("/breaker/disabled").status_code == 200


def test_changed_settings_are_followed(unfiled: Registry, tmp_path: Path) -> None:
    access = Access()
    client = Client(create_app(unfiled, access=access), stranger=True)
    access.follow(ApiSettings(loopback="open", made_token_file="other/token"), Tokens())
    assert client.post("/breaker/disabled").status_code == 200
    assert (tmp_path / "other/token").is_file()
    access.follow(ApiSettings(loopback="open"), Tokens(full=SecretStr("full")))
    assert client.get("/breaker/status").status_code == 401


def test_a_change_elsewhere_leaves_the_token_where_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    access = Access()
    made = access.made.get()
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    access.follow(ApiSettings(event_streams=3, loopback="open"), Tokens())
    assert access.made.get() == made
    assert not list(Path().iterdir())


def test_the_token_is_in_the_link_and_in_nothing_else(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    access = Access(loopback="open")
    access.start()
    link = access.dashboard_link("http://127.0.0.1:8080")
    token = (tmp_path / "var/token").read_text().strip()
    assert link == f"http://127.0.0.1:8080/#token={token}"
    assert Access(Tokens(full=SecretStr("mine"))).dashboard_link("http://x") is None
    logged = caplog.text + "".join(capfd.readouterr())
    assert token not in logged
    assert token not in json.dumps([str(vars(access)), repr(access.made), os.environ.get("T", "")])
