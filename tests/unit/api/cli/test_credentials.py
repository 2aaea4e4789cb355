from __future__ import annotations

import json
from pathlib import Path

import pytest
import typer

from breakerd.api.cli.client import AdminClient
from breakerd.api.cli.credentials import find_credentials
from tests.unit.api.cli.test_client import Stub
from tests.unit.api.cli.test_client import stub as stub  # noqa: PLC0414 - a fixture


@pytest.fixture
def token_file(tmp_path: Path) -> Path:
    """A made token in the working directory."""
    path = tmp_path / "var/token"
    path.parent.mkdir()
    path.write_text("made\n")
    return path


@pytest.mark.parametrize(
    ("host", "sent"),
    [
        ("127.0.0.1", "made"),
        ("127.9.9.9", "made"),
        ("::1", "made"),
        ("localhost", "made"),
        ("LOCALHOST", "made"),
        ("evil.localhost", None),
        ("127.0.0.1.example.com", None),
        ("0.0.0.0", None),
        ("10.0.0.1", None),
        ("", None),
    ],
)
@pytest.mark.usefixtures("token_file")
def test_the_made_token_is_sent_to_loopback_only(host: str, sent: str | None) -> None:
    found = find_credentials(host, None)
    assert (found.token, found.local) == (sent, sent is not None)
    given = find_credentials(host, "given")
    assert (given.token, given.local) == ("given", sent is not None)


@pytest.mark.usefixtures("token_file")
def test_a_given_token_goes_before_the_made_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BREAKERD_READ_TOKEN", "read")
    assert find_credentials("127.0.0.1", None).token == "read"
    assert find_credentials("127.0.0.1", "given").token == "given"


@pytest.mark.parametrize("given", [None, "given"])
@pytest.mark.usefixtures("token_file")
def test_no_token_for_this_machine_goes_through_a_proxy(
    stub: Stub, monkeypatch: pytest.MonkeyPatch, given: str | None
) -> None:
    stub.body = b"{}"
    for name in ("http_proxy", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    AdminClient(f"http://127.0.0.1:{stub.server_port}", given).get("default", "status")
    assert stub.asked == ("/breakers/default/status", f"Bearer {given or 'made'}")


def test_a_link_in_the_place_of_the_made_token_is_not_followed(token_file: Path) -> None:
    token_file.rename(token_file.with_name("another-secret"))
    token_file.symlink_to("another-secret")
    found = find_credentials("127.0.0.1", None)
    assert found.token is None
    assert "a symbolic link" in found.advice


@pytest.mark.usefixtures("token_file")
def test_no_redirect_is_followed(stub: Stub) -> None:
    stub.status, stub.body = 307, b"{}"
    client = AdminClient(f"http://127.0.0.1:{stub.server_port}", None)
    assert client.get("default", "status") == {}
    assert stub.asked[0] == "/breakers/default/status"


def refusal(stub: Stub, capsys: pytest.CaptureFixture[str], token: str | None = None) -> str:
    """Output after a 401."""
    stub.status, stub.body = 401, json.dumps({"detail": "No."}).encode()
    with pytest.raises(typer.Exit) as ended:
        AdminClient(f"http://127.0.0.1:{stub.server_port}", token).get("default", "config")
    assert ended.value.exit_code == 1
    return capsys.readouterr().err


def test_a_refusal_says_where_the_token_is(
    stub: Stub, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    path = tmp_path / "var/token"
    assert f"No. No token found ({path}: No such file" in (said := refusal(stub, capsys))
    assert "in the folder that it was started in" in said
    assert "Check --token, BREAKERD_TOKEN" in refusal(stub, capsys, "given")
    path.parent.mkdir()
    path.write_text("\n")
    assert f"No token found ({path} is empty)" in refusal(stub, capsys)
    path.write_text("made")
    assert f"The token in {path} is another service's" in (said := refusal(stub, capsys))
    assert "made\n" not in said
    assert "sent to loopback only" in find_credentials("ops.example", None).advice
