"""`breakerd init`: a person at a terminal, a script with options, a service on what it wrote."""

from __future__ import annotations

import errno
import os
import stat
import tomllib
from pathlib import Path

import pytest

from breakerd import Registry
from breakerd.api.cli.commands.setup import writing
from breakerd.api.cli.commands.setup.answers import SECRET_OF
from tests.support.command import Result, run
from tests.support.server_process import Server
from tests.support.terminal import Terminal

ONLY_FILE = ("--no-schema", "--yes")


def init(folder: Path, *options: str) -> Result:
    return run("init", "b.toml", *options, folder=folder)


@pytest.fixture(autouse=True)
def no_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith(("OPSGENIE_", "BREAKERD_"))]:
        monkeypatch.delenv(name)


def test_a_person_answers_and_serves_it(tmp_path: Path) -> None:
    with Terminal("init", "b.toml", folder=tmp_path) as terminal:
        for question, typed in (
            ("Service [", "shop\n"),
            ("Dependencies to protect", "payments, eu.search\n"),
            ("Judge calls by", "speed\n"),
            ("found 'speed'; allowed: one of level, threshold", ""),
            ("Judge calls by a service level, or by a latency threshold [level]: ", "threshold\n"),
            ("Latency above which it opens", "1\n"),
            ("allowed: a number ≥ 5", ""),
            ("[1500]: ", "800\n"),
            ("Who gets alerts", "opsgenie\n"),
            ("Team that is paged: ", "\n"),
            ("allowed: the name of the team", ""),
            ("Team that is paged: ", 'core "A"\n'),
            ("Environment of the service [PROD]: ", "\n"),
            ("Region of the account (us, eu) [us]: ", "eu\n"),
            ("File with its key (none: OPSGENIE_API_KEY holds it): ", "\n"),
            ("for links in alerts (none): ", "https://ops.example.org/b\n"),
            ("Where the processes meet", "\n"),
            ("b.toml was written", ""),
            ("set OPSGENIE_API_KEY where the service runs", ""),
            ("breakerd serve --config b.toml", ""),
        ):
            terminal.expect(question)
            terminal.type(typed)
        assert terminal.wait() == 0
    file = tmp_path / "b.toml"
    assert tomllib.loads(file.read_text()) == {
        "latency_threshold": 800,
        "breakers": {"payments": {}, "eu.search": {}},
        "opsgenie": {
            "enabled": True,
            "team": 'core "A"',
            "environment": "PROD",
            "api_name": "shop",
            "region": "eu",
        },
        "api": {"public_url": "https://ops.example.org/b"},
    }
    checked = run("check", "--strict", "b.toml", folder=tmp_path)
    assert (checked.code, checked.err) == (0, "")
    with Server("--config", "b.toml", folder=tmp_path) as server, server.client() as client:
        names = [each["name"] for each in client.get("/breakers").json()["breakers"]]
        assert {"payments", "eu.search"} <= set(names)


@pytest.mark.parametrize(("key", "code"), [("\x03", 130), ("\x04", 130)])
def test_who_gives_up_leaves_nothing(tmp_path: Path, key: str, code: int) -> None:
    with Terminal("init", "new/b.toml", folder=tmp_path) as terminal:
        terminal.expect("Service")
        terminal.type("shop\n")
        terminal.expect("Dependencies to protect")
        terminal.type(key)
        assert terminal.wait() == code
        assert "aborted: nothing was written" in terminal.seen
    assert list(tmp_path.iterdir()) == []


def test_options_are_not_asked_for(tmp_path: Path) -> None:
    with Terminal(
        *("init", "b.toml", "--service", "shop", "--slo", "0.99,1.5", "--receiver", "none"),
        *("--breakers", "", "--environment", "UAT", "--public-url", ""),
        folder=tmp_path,
    ) as terminal:
        terminal.expect("Where the processes meet")
        assert "Service" not in terminal.seen
        terminal.type("none\n")
        assert terminal.wait() == 0
    data = tomllib.loads((tmp_path / "b.toml").read_text())
    assert data["slo"] == {"success_rate": 0.99, "timeout": 1.5}
    assert data["fleet"] == {"hub": "none"}


@pytest.mark.parametrize("receiver", ["none", *SECRET_OF])
def test_what_it_writes_is_checked_without_a_warning(tmp_path: Path, receiver: str) -> None:
    (tmp_path / "secret").write_text("https://h.example/k")
    for more in ((), ("--key-file", "secret") if receiver != "none" else ("--slo", "0.9,3")):
        done = init(tmp_path, "--receiver", receiver, "--team", "core", *more, "--force", "--yes")
        assert (done.code, done.err) == (0, "")
        checked = run("check", "--strict", "b.toml", folder=tmp_path)
        assert (checked.code, checked.err) == (0, "")


def test_defaults_without_a_terminal(tmp_path: Path) -> None:
    done = run("init", folder=tmp_path)
    assert (done.code, done.err) == (0, "")
    assert done.out.splitlines()[-1] == "  breakerd serve --config config/breakers.toml"
    assert run("check", "--strict", folder=tmp_path).code == 0
    text = (tmp_path / "config/breakers.toml").read_text()
    assert text.startswith("#:schema ./breakerd.schema.json\n\n# ")
    assert (tmp_path / "config/breakerd.schema.json").read_text() == run("schema").out
    assert "slo" in tomllib.loads(text)


def test_a_change_keeps_the_header_and_the_allow_comments(tmp_path: Path) -> None:
    assert init(tmp_path, "--receiver", "opsgenie", "--team", "core", "--yes").code == 0
    before = (tmp_path / "b.toml").read_text()
    with Registry.from_file(tmp_path / "b.toml", watch=False) as registry:
        registry.change("default", {"wait_time": 5})
    text = (tmp_path / "b.toml").read_text()
    assert text.startswith("#:schema ./breakerd.schema.json\n\n")
    assert set(before.splitlines()) <= set(text.splitlines())
    assert run("check", "--strict", "b.toml", folder=tmp_path).code == 0


def test_the_schema_may_be_left_out(tmp_path: Path) -> None:
    assert init(tmp_path, *ONLY_FILE).code == 0
    assert [each.name for each in tmp_path.iterdir()] == ["b.toml"]
    assert "#:schema" not in (tmp_path / "b.toml").read_text()


def test_a_hub_on_another_machine(tmp_path: Path) -> None:
    done = init(tmp_path, "--fleet", "rediss://cache/1", "--service", "shop", *ONLY_FILE)
    assert (done.code, done.err) == (0, "")
    found = tomllib.loads((tmp_path / "b.toml").read_text())["fleet"]
    assert found == {"hub": "rediss://cache/1", "name": "shop-prod"}
    options = ("--fleet", "redis://cache", "--fleet-name", "x", "--force")
    done = init(tmp_path, *options, *ONLY_FILE)
    assert done.code == 0
    assert done.err.endswith("(redis-in-clear)\n")


WRONG = {
    ("--service", "a b"): "--service: found 'a b'; allowed: 1 to 80 ASCII letters",
    ("--breakers", "a,ü"): "not 'ü'",
    ("--slo", "0.95"): "RATE,SECONDS",
    ("--slo", "x,2"): "RATE,SECONDS",
    ("--slo", "1.5,2"): "a number > 0, < 1 (fraction)",
    ("--slo", "0.9,2", "--latency-threshold", "9"): "give one of them",
    ("--latency-threshold", "fast"): "a number (ms)",
    ("--receiver", "pager"): "one of none, opsgenie",
    ("--receiver", "opsgenie"): "--team is needed",
    ("--receiver", "slack", "--key-file", "missing"): "a file that is there already",
    ("--key-file", "missing"): "of no use without --receiver",
    ("--region", "mars"): "one of us, eu",
    ("--environment", "x" * 21): "at most 20 characters",
    ("--public-url", "ops"): "--public-url: found 'ops'",
    ("--fleet", "reds://h"): "did you mean 'redis://'?",
    ("--fleet", "rediss://h", "--fleet-name", "a b"): "--fleet-name",
    ("--fleet", "rediss://h", "--fleet-name", ""): "a name, such as",
}


@pytest.mark.parametrize("options", WRONG, ids=" ".join)
def test_a_wrong_option_writes_nothing(tmp_path: Path, options: tuple[str, ...]) -> None:
    done = init(tmp_path, *options, "--yes")
    assert (done.code, done.out) == (2, "")
    assert WRONG[options] in done.err
    assert list(tmp_path.iterdir()) == []


def test_a_secret_file_of_another_form_writes_nothing(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("S3CRET")
    done = init(tmp_path, "--receiver", "slack", "--key-file", "secret", "--yes")
    assert (done.code, done.out) == (2, "")
    assert "nothing was written" in done.err
    assert "S3CRET" not in done.err
    assert [each.name for each in tmp_path.iterdir()] == ["secret"]


def test_what_is_there_is_kept_unless_forced(tmp_path: Path) -> None:
    file = tmp_path / "b.toml"
    file.write_text("wait_time = 3\n")
    file.chmod(0o640)
    done = init(tmp_path, "--yes")
    assert (done.code, done.out) == (1, "")
    assert "is there already" in done.err
    assert [each.name for each in tmp_path.iterdir()] == ["b.toml"]
    assert file.read_text() == "wait_time = 3\n"
    assert init(tmp_path, "--force", *ONLY_FILE).code == 0
    assert "slo" in tomllib.loads(file.read_text())
    assert stat.S_IMODE(file.stat().st_mode) == 0o640


def test_a_link_is_followed_and_kept(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "real/b.toml").touch()
    (tmp_path / "b.toml").symlink_to("real/b.toml")
    assert init(tmp_path, *ONLY_FILE).code == 1
    assert init(tmp_path, "--force", *ONLY_FILE).code == 0
    assert (tmp_path / "b.toml").is_symlink()
    assert (tmp_path / "real/b.toml").stat().st_size > 0


def test_what_is_no_file_is_never_replaced(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "b.toml")
    done = init(tmp_path, "--force", "--yes")
    assert (done.code, done.out) == (1, "")
    assert "is not a regular file" in done.err
    assert stat.S_ISFIFO((tmp_path / "b.toml").stat().st_mode)


def test_somebody_else_was_faster(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writing, "refuse_existing", lambda *_args, **_options: None)
    (tmp_path / "b.toml").write_text("wait_time = 3\n")
    done = init(tmp_path, *ONLY_FILE)
    assert (done.code, done.out) == (1, "")
    assert [each.name for each in tmp_path.iterdir()] == ["b.toml"]
    assert (tmp_path / "b.toml").read_text() == "wait_time = 3\n"


def test_a_full_disk_leaves_no_half_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_descriptor: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    done = init(tmp_path, *ONLY_FILE)
    assert (done.code, done.out) == (1, "")
    assert done.err == "breakerd: b.toml cannot be written: No space left on device\n"
    assert list(tmp_path.iterdir()) == []


def test_no_secret_of_the_environment_is_in_it(tmp_path: Path) -> None:
    done = run(
        *("init", "b.toml", "--receiver", "opsgenie", "--team", "core", "--yes"),
        folder=tmp_path,
        OPSGENIE_API_KEY="S3CRET",
    )
    assert done.code == 0
    text = (tmp_path / "b.toml").read_text()
    assert "S3CRET" not in text + done.out
    assert "breakerd: allow" not in text
