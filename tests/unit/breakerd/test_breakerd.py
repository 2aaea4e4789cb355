from __future__ import annotations

import asyncio
import gc
import subprocess
import sys
import threading
import weakref
from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi import FastAPI

from breakerd import Breakerd, ConfigError
from breakerd.api.http import sections
from tests.support.admin_client import Client
from tests.support.polling import until
from tests.support.saved_file import save

FILE = """\
minimum_calls = 5
[breakers.payments]
latency_threshold = 100
[opsgenie]
team = "platform"
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty working folder with a configuration file in it."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "breakers.toml").write_text(FILE)
    return tmp_path


@pytest.fixture
def breakers(folder: Path) -> Iterator[Breakerd]:
    breakers = Breakerd.from_file(folder / "breakers.toml")
    yield breakers
    breakers.close()


def files_in(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


def own_threads() -> set[threading.Thread]:
    """Threads of ours but the ticker, which is the process's: others may have started it."""
    own = (thread for thread in threading.enumerate() if thread.name.startswith("breaker"))
    return {thread for thread in own if thread.name != "breaker-ticker"}


def test_making_it_starts_nothing(folder: Path, breakers: Breakerd) -> None:
    before = own_threads()
    breakers.get("payments")
    breakers.admin_router()
    assert [breaker.status()["state"] for breaker in breakers] == ["CLOSED", "CLOSED"]
    assert own_threads() <= before
    assert files_in(folder) == {"breakers.toml"}
    assert not breakers.running
    # The ticker is the process's: another test may have started it.
    assert breakers.not_running().keys() - {"ticker"} == {"alerting", "file", "fleet", "state"}


def test_the_first_call_starts_everything(folder: Path, breakers: Breakerd) -> None:
    before = own_threads()
    with breakers.get("payments").guard():
        pass
    until(lambda: not breakers.not_running())
    assert breakers.running
    assert {"var/breakerd.db", "var/breakerd-fleet.db"} <= files_in(folder)
    save(folder / "breakers.toml", FILE.replace("100", "200"))
    until(lambda: breakers.get("payments").settings.latency_threshold == 200)
    breakers.close()
    until(lambda: own_threads() <= before)
    assert "var/breakers.json" in files_in(folder)


def test_a_call_after_the_end_starts_nothing(breakers: Breakerd) -> None:
    breakers.start()
    breakers.close()
    assert breakers.get("payments").allow()
    assert not breakers.running
    assert breakers.not_running().keys() >= {"alerting", "file", "fleet", "state"}
    breakers.start()
    assert not breakers.not_running()


def test_there_is_one_for_each_file(folder: Path, breakers: Breakerd) -> None:
    link = folder / "link.toml"
    link.symlink_to("breakers.toml")
    assert Breakerd.from_file("breakers.toml") is breakers
    assert Breakerd.from_file(link, alerting=True) is breakers
    breakers.close()
    other = Breakerd.from_file(link)
    assert other is not breakers
    other.close()


def test_other_parts_than_those_of_the_open_one_are_refused(breakers: Breakerd) -> None:
    with pytest.raises(ValueError, match=r"alerting=True, found alerting=False: .* close\(\)"):
        Breakerd.from_file("breakers.toml", alerting=False)
    assert Breakerd.from_file("breakers.toml") is breakers


def test_rules_given_again_replace_the_earlier_ones(breakers: Breakerd) -> None:
    early = breakers.get("payments")
    own = breakers.get("own", ignore=ValueError)
    Breakerd.from_file("breakers.toml", ignore=KeyError)
    late = breakers.get("late")
    for breaker, expected in ((early, 0), (late, 0), (own, 1)):
        with pytest.raises(KeyError), breaker.guard():
            raise KeyError
        assert breaker.counters().error == expected, breaker


def test_every_section_is_checked_at_once(folder: Path) -> None:
    (folder / "breakers.toml").write_text(
        'latency_threshold = "x"\n[opsgenie]\npriority = "P9"\n[alerts]\ngroup_window = -1\n'
        "[api]\nport = 99999\n[fleet]\nhub = 'redis://h'\n"
    )
    with pytest.raises(ConfigError) as caught:
        Breakerd.from_file("breakers.toml")
    assert [problem.key for problem in caught.value.problems] == [
        "latency_threshold",
        "opsgenie.priority",
        "alerts.group_window",
        "api.port",
        "fleet.name",
    ]


def test_an_edit_with_an_error_in_api_is_refused_without_an_admin_plane(
    folder: Path, breakers: Breakerd
) -> None:
    save(folder / "breakers.toml", FILE.replace("100", "200") + "[api]\nport = 99999\n")
    assert breakers.registry.config is not None
    assert not breakers.registry.config.reload()
    assert breakers.get("payments").settings.latency_threshold == 100


def test_the_fleet_of_the_file_is_followed_and_shown(folder: Path, breakers: Breakerd) -> None:
    admin = breakers.admin_app().state.admin
    assert admin.fleet.settings.hub == "file"
    config = breakers.registry.config
    assert config is not None
    fleet = "[fleet]\nhub = 'redis://h'\n"
    save(folder / "breakers.toml", FILE + fleet)
    assert not config.reload()
    assert admin.fleet.settings.hub == "file"
    save(folder / "breakers.toml", FILE + fleet + "name = 'shop'\npassword = 'geheim'\n")
    assert config.reload()
    assert admin.fleet.settings.name == "shop"
    assert "geheim" not in str(sections.read(admin))


def test_parts_are_left_out_by_name(folder: Path) -> None:
    before = own_threads()
    parts = ("alerting", "config_log", "state", "fleet", "history", "watch")
    breakers = Breakerd.from_file("breakers.toml", **dict.fromkeys(parts, False))  # type: ignore[arg-type]  # its own keys
    with breakers:
        assert breakers.alerting is breakers.record is None
        assert not breakers.not_running()
        assert files_in(folder) == {"breakers.toml"}
        until(lambda: own_threads() <= before)


def test_without_a_file_it_has_the_built_in_settings(folder: Path) -> None:
    with Breakerd() as breakers:
        assert breakers.path is None
        assert not breakers.not_running()
        assert breakers.get().allow()
    assert "var/breakers.json" in files_in(folder)


def test_the_outer_of_two_blocks_ends_it(breakers: Breakerd) -> None:
    with breakers:
        with breakers:
            pass
        assert breakers.running
    assert not breakers.running


async def test_a_router_brings_the_lifespan_along(breakers: Breakerd) -> None:
    app = FastAPI()
    app.include_router(breakers.admin_router(), prefix="/ops")
    for _ in range(2):  # an application may be started again
        async with app.router.lifespan_context(app):
            assert not breakers.not_running()
        assert not breakers.running


def test_a_request_is_a_first_use(breakers: Breakerd) -> None:
    app = FastAPI()
    app.mount("/ops", breakers.admin_app())  # a mounted application's lifespan is not run
    client = Client(app)
    assert client.get("/ops/healthz").status_code == 200
    assert not breakers.running
    client.get("/ops/readyz")
    until(lambda: not breakers.not_running())


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize(
    ("missing", "code", "named"),
    [
        ("httpx", "Breakerd()", "alerting needs the extra 'alerts'"),
        ("httpx", "Breakerd(alerting=False).get().allow()", ""),
        (
            "fastapi",
            "Breakerd(alerting=False).admin_router()",
            "admin_router needs the extra 'api'",
        ),
        ("fastapi", "Breakerd(alerting=False).admin_app()", "admin_app needs the extra 'api'"),
    ],
    ids=["alerting", "without alerting", "router", "app"],
)
def test_a_missing_extra_is_named(missing: str, code: str, named: str) -> None:
    script = (
        f"import sys; sys.modules[{missing!r}] = None\n"
        "from breakerd import Breakerd\n"
        f"try: {code}\n"
        "except ImportError as error: print(error)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=True
    )
    assert done.stdout.startswith(named)
    assert bool(done.stdout) == bool(named), done.stdout


def test_a_notebook_shows_what_it_is(folder: Path) -> None:
    with Breakerd(folder / "breakers.toml", alerting=False) as breakers:
        assert repr(breakers) == f"<Breakerd '{folder}/breakers.toml' running>"
    assert repr(breakers) == f"<Breakerd '{folder}/breakers.toml' not running>"
    assert repr(Breakerd()) == "<Breakerd on built-in defaults not running>"


def test_an_option_that_does_not_exist(breakers: Breakerd) -> None:
    assert breakers.path
    allowed = (
        "alerting, config_log, control_plane, failed_result, failures, fallback, fleet, history, "
        "ignore, load, memory, state, watch"
    )
    message = f"^Breakerd: found unknown option alerts; allowed: {allowed}$"
    for make in (Breakerd, Breakerd.from_file):  # from_file: it is open already
        with pytest.raises(TypeError, match=message):
            make(breakers.path, alerts=False)  # type: ignore[call-arg]  # that is the case


def test_closed_ones_are_not_kept(folder: Path) -> None:
    path = folder / "other.toml"
    path.write_text("")
    first = Breakerd.from_file(path, alerting=False)
    kept = weakref.ref(first)
    first.close()
    assert Breakerd.from_file(folder / "breakers.toml") is not first
    first.start()
    assert Breakerd.from_file(path, alerting=False) is first, "it was started again"
    first.close()
    Breakerd.from_file(folder / "breakers.toml").close()
    del first
    gc.collect()
    assert kept() is None


async def test_a_lifespan_that_is_cancelled_amid_its_start_holds_nothing(
    breakers: Breakerd,
) -> None:
    begun = asyncio.Event()

    async def serve() -> None:
        begun.set()
        async with breakers.lifespan():
            await asyncio.Event().wait()

    task = asyncio.create_task(serve())
    await begun.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    async with breakers.lifespan():
        assert breakers.running
    assert not breakers.running
