"""What the system gives and refuses: events, rights, mounts; the file is followed all the same."""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import httpx
import pytest

from tests.support.followed_file import TEXT, FollowingProcess, with_wait
from tests.support.polling import until
from tests.support.server_process import Server

AS_ROOT = pytest.mark.skipif(os.geteuid() != 0, reason="only root acts as others, and mounts")
IN_NAMESPACE = ("unshare", "--user", "--map-root-user")
NOBODY = ("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups")


def succeeds(*command: str) -> bool:
    """True if the system lets this command run."""
    try:
        return subprocess.run(command, capture_output=True, check=False).returncode == 0
    except OSError:
        return False


NAMESPACES = pytest.mark.skipif(
    not succeeds(*IN_NAMESPACE, "true"), reason="the system refuses namespaces of users"
)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "breakers.toml"
    path.write_text(TEXT)
    return path


def after(script: str, *launcher: str) -> Sequence[str]:
    """A launcher that runs that script in a namespace before the process."""
    return (*launcher, "sh", "-euc", f'{script}; exec "$@"', "sh")


@NAMESPACES
@pytest.mark.parametrize("limit", ["max_inotify_instances", "max_inotify_watches"])
def test_without_events_for_a_limit_the_file_is_polled(file: Path, limit: str) -> None:
    launcher = after(f"echo 0 > /proc/sys/user/{limit}", *IN_NAMESPACE)
    with FollowingProcess(file, *launcher) as process:
        process.until(by="polling", in_force=10, successful=True)
        file.write_text(with_wait(11))
        process.until(in_force=11)
        file.chmod(0)
        file.chmod(0o644)
        file.unlink()
        assert "No such file" in process.until(successful=False)["problems"][0]
        file.write_text(with_wait(12))
        process.until(in_force=12, successful=True, applied=2, by="polling")


@AS_ROOT
@pytest.mark.skipif(not succeeds(*NOBODY, sys.executable, "-V"), reason="Python is root's alone")
def test_rights_that_are_lost_are_told_and_count_when_they_are_back(tmp_path: Path) -> None:
    folder = tmp_path / "etc"
    folder.mkdir(mode=0o755)
    for each in (tmp_path, *tmp_path.parents[:3]):
        each.chmod(each.stat().st_mode | 0o011)
    file = folder / "breakers.toml"
    file.write_text(TEXT)
    file.chmod(0o644)
    with FollowingProcess(file, *NOBODY) as process:
        process.until(by="events", successful=True)
        for path, lost, had in ((file, 0o600, 0o644), (folder, 0o700, 0o755)):
            path.chmod(lost)
            assert "Permission denied" in process.until(successful=False)["problems"][0]
            path.chmod(had)
            process.until(successful=True, in_force=10, applied=0)
        folder.chmod(0o700)
        process.until(successful=False)
        file.write_text(with_wait(11))
        folder.chmod(0o755)
        process.until(successful=True, in_force=11, applied=1)


def run(*command: str) -> None:
    subprocess.run(command, check=True)


@AS_ROOT
def test_a_single_mounted_file_is_followed_until_it_is_replaced_where_it_comes_from(
    file: Path, tmp_path: Path
) -> None:
    target = tmp_path / "container" / "breakers.toml"
    target.parent.mkdir()
    target.touch()
    mount = f"mount --bind {shlex.quote(str(file))} {shlex.quote(str(target))}"
    launcher = after(mount, "unshare", "--mount", "--propagation", "private")
    with FollowingProcess(target, *launcher) as process:
        process.until(by="events", in_force=10, problem="")
        # In place, from outside: no event in the folder of the target tells of it.
        file.write_text(with_wait(11))
        process.until(in_force=11, applied=1, problem="")
        new = file.with_name("new.toml")
        new.write_text(with_wait(12))
        new.replace(file)
        until(lambda: "single file" in process.ask()["problem"])
        problem = process.ask()["problem"]
        assert "restart the container, or mount the folder" in problem
        assert process.ask()["in_force"] == 11


@AS_ROOT
def test_a_folder_that_is_mounted_over_is_followed(file: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    (other / file.name).write_text(with_wait(11))
    folder = tmp_path / "etc"
    folder.mkdir()
    file.rename(folder / file.name)
    launcher = ("unshare", "--mount", "--propagation", "private")
    with FollowingProcess(folder / file.name, *launcher) as process:
        process.until(in_force=10)
        inside = ("nsenter", f"--mount=/proc/{process.pid}/ns/mnt")
        run(*inside, "mount", "--bind", str(other), str(folder))
        process.until(in_force=11)
        (other / file.name).write_text(with_wait(12))
        process.until(in_force=12, applied=2)
        run(*inside, "umount", str(folder))
        process.until(in_force=10, applied=3)


@AS_ROOT
def test_a_folder_of_a_file_system_that_goes_and_comes_is_followed(tmp_path: Path) -> None:
    folder = tmp_path / "mnt"
    folder.mkdir()
    file = folder / "breakers.toml"
    mount = (
        f"mount -t tmpfs none {shlex.quote(str(folder))}; printf %s {shlex.quote(TEXT)} > {file}"
    )
    launcher = after(mount, "unshare", "--mount", "--propagation", "private")
    with FollowingProcess(file, *launcher) as process:
        process.until(in_force=10, successful=True)
        inside = ("nsenter", f"--mount=/proc/{process.pid}/ns/mnt")
        run(*inside, "umount", "--lazy", str(folder))
        assert "No such file" in process.until(successful=False)["problems"][0]
        script = f"mount -t tmpfs none {folder}; printf %s {shlex.quote(with_wait(11))} > {file}"
        run(*inside, "sh", "-euc", script)
        process.until(successful=True, in_force=11, applied=1)


def reloads(http: httpx.Client) -> dict[str, float]:
    lines = http.get("/metrics").text.splitlines()
    name = "breakerd_config_reloads_total{outcome="
    found = [line.removeprefix(name) for line in lines if line.startswith(name)]
    return {line.split('"')[1]: float(line.split()[1]) for line in found}


def test_what_is_asked_for_and_what_happens_is_counted(file: Path, tmp_path: Path) -> None:
    with Server("--config", file.name, folder=tmp_path) as server, server.client() as http:
        status = http.get("/breaker/status").json()["config"]
        assert (status["watched_by"], status["watch_problem"]) == ("events", "")
        assert 'breakerd_config_watched{by="events"} 1.0' in http.get("/metrics").text
        assert reloads(http) == {"applied": 0, "refused": 0, "unchanged": 0}
        assert http.post("/-/reload").status_code == 200
        until(lambda: reloads(http)["unchanged"] == 1)
        server.send(signal.SIGHUP)
        until(lambda: reloads(http)["unchanged"] == 2)
        file.write_text(with_wait(11))
        until(lambda: http.get("/breaker/wait").json()["wait"] == 11)
        assert reloads(http) == {"applied": 1, "refused": 0, "unchanged": 2}
        file.write_text(TEXT.replace("10 #", "-1 #"))
        until(lambda: reloads(http)["refused"] == 1)
        assert http.post("/-/reload").status_code == 422
        server.send(signal.SIGHUP)
        until(lambda: reloads(http)["refused"] == 3)
        assert http.get("/breaker/wait").json()["wait"] == 11
        file.write_text(with_wait(12))
        assert http.post("/-/reload").status_code == 200
        assert http.get("/breaker/wait").json()["wait"] == 12
        # The watcher may have been the first; then the request has found it in force.
        assert reloads(http)["applied"] == 2
        assert reloads(http)["refused"] == 3
