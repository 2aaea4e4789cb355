from __future__ import annotations

from pathlib import Path

import pytest
from fastapi import FastAPI

from breakerd import Registry, admin_router
from breakerd.api.app import create_app
from breakerd.api.routes import dashboard
from tests.support.admin_client import Client


@pytest.fixture
def client(unfiled: Registry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Client:
    """A client of a plane whose dashboard is a small one, beside things that are not."""
    (tmp_path / "dashboard").mkdir()
    for name in ("index.html", "app.js", "style.css", "__init__.py", ".hidden.js"):
        (tmp_path / "dashboard" / name).write_text(name)
    (tmp_path / "secret.js").write_text("secret")
    monkeypatch.setattr(dashboard, "resources", lambda _package: tmp_path)
    return Client(create_app(unfiled))


@pytest.mark.parametrize(
    ("path", "content", "media_type"),
    [
        ("/", "index.html", "text/html; charset=utf-8"),
        ("/dashboard/", "index.html", "text/html; charset=utf-8"),
        ("/dashboard/app.js", "app.js", "text/javascript; charset=utf-8"),
        ("/dashboard/style.css", "style.css", "text/css; charset=utf-8"),
    ],
)
def test_the_page_and_its_files_come_under_a_strict_policy(
    client: Client, path: str, content: str, media_type: str
) -> None:
    answer = client.get(path)
    assert (answer.status_code, answer.text) == (200, content)
    assert answer.headers["content-type"] == media_type
    assert answer.headers["content-security-policy"].startswith("default-src 'self'")
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["cache-control"] == "no-cache"


@pytest.mark.parametrize(
    "name",
    ["nope.js", "__init__.py", ".hidden.js", "..%2Fsecret.js", "app", "%00.js", "a" * 300 + ".js"],
)
def test_nothing_else_is_served(client: Client, name: str) -> None:
    answer = client.get(f"/dashboard/{name}")
    assert answer.status_code == 404
    assert "secret" not in answer.text.replace("secret.js", "")


@pytest.mark.parametrize(
    ("path", "leads_to"), [("/dashboard", "/dashboard/"), ("/dashboard?a=%20", "/dashboard/?a=%20")]
)
@pytest.mark.parametrize("prefix", ["", "/ops"])
def test_without_the_slash_it_leads_to_the_page(
    unfiled: Registry, prefix: str, path: str, leads_to: str
) -> None:
    host = FastAPI()
    host.include_router(admin_router(unfiled), prefix=prefix)
    answer = Client(host).get(prefix + path)
    assert answer.status_code == 308
    assert answer.next_request is not None
    assert answer.next_request.url.raw_path.decode() == prefix + leads_to
