"""Hub on real servers: refused, lost, moved and back again."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest
from pydantic import SecretStr

from breakerd.breaker.fleet.hub.protocol import HubUnavailableError
from breakerd.breaker.fleet.hub.redis.clients import make_client
from breakerd.breaker.fleet.hub.redis.connection import Connection
from breakerd.breaker.fleet.hub.redis.hub import RedisHub
from breakerd.breaker.fleet.hub.redis.messages import report_arguments
from breakerd.breaker.fleet.hub.redis.script import keys_of
from breakerd.breaker.fleet.messages import Act, Register, Slot
from breakerd.breaker.fleet.settings.fleet_settings import FleetSettings
from tests.support.certificates import Certificates
from tests.support.documented import PROJECT
from tests.support.fleet_hubs import DrivenTime, RedisUnderTest
from tests.support.fleet_reports import POOL, MadeMember, pool_of
from tests.support.forking import in_child
from tests.support.polling import until
from tests.support.redis_servers import (
    Cluster,
    RedisServer,
    Sentinels,
    one_server,
    redis_program,
    with_sentinels,
)

pytestmark = pytest.mark.needs("redis-server")

PASSWORD: Final = "geheim"


def at_once(settings: FleetSettings) -> RedisHub:
    """A hub that tries again at once."""
    key = keys_of(settings.name)[0]
    connection = Connection(
        lambda: make_client(settings), key, settings.interval, chance=lambda: 0.0
    )
    return RedisHub(settings.name, connection)


def settings_of(server: RedisServer, name: str = "shop", **more: object) -> FleetSettings:
    return FleetSettings.model_validate({"hub": server.url, "name": name, **more})


@pytest.fixture
def server(tmp_path: Path) -> Iterator[RedisServer]:
    with one_server(redis_program(), tmp_path / "own") as own:
        yield own


@pytest.fixture
def hub(server: RedisServer) -> Iterator[RedisHub]:
    made = at_once(settings_of(server))
    yield made
    made.close()


def answers(hub: RedisHub, one: MadeMember) -> bool:
    try:
        hub.exchange(one.report())
    except HubUnavailableError:
        return False
    return True


def events(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [each.getMessage().partition(" problem=")[0] for each in caplog.records]


def refusal(hub: RedisHub) -> str:
    with pytest.raises(HubUnavailableError) as failure:
        hub.exchange(MadeMember("refused").report())
    assert hub.problem == str(failure.value)
    return hub.problem


# --- access


def test_a_wrong_password_is_told_and_the_right_one_works(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with one_server(redis_program(), tmp_path / "own", password=PASSWORD) as server:
        for wrong in (None, SecretStr("wrong")):
            hub = at_once(settings_of(server, password=wrong))
            assert "BREAKERD_FLEET_PASSWORD" in refusal(hub)
        hub = at_once(settings_of(server, password=SecretStr(PASSWORD)))
        assert hub.exchange(MadeMember("a").report()).members == 1
        hub.close()
    assert PASSWORD not in caplog.text


def test_a_password_that_is_put_right_on_the_server_works_without_a_restart(
    server: RedisServer, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "breakerd")
    hub = at_once(settings_of(server, password=SecretStr(PASSWORD)))
    server.execute("ACL", "SETUSER", "default", "on", ">other")
    for _ in range(3):
        assert "refuses the password" in refusal(hub)
    server.password = "other"
    server.execute("ACL", "SETUSER", "default", f">{PASSWORD}")
    assert answers(hub, MadeMember("a"))
    assert events(caplog) == [
        "hub lost, each process decides alone",
        "hub works again",
    ]
    hub.close()


def test_it_needs_no_more_rights_than_the_page_lists(server: RedisServer, cluster: Cluster) -> None:
    page = (PROJECT / "docs/fleet.md").read_text()
    rule = re.search(r"^ACL SETUSER .*$", page, re.MULTILINE)
    assert rule is not None
    words = rule[0].replace("PASSWORD", PASSWORD).replace("{NAME}", "{shop}").split()
    also = re.findall(r"`(\+[a-z|]+)`", page.partition("On a cluster also")[2].partition(".")[0])
    server.execute(*words)
    for node in cluster.nodes:
        node.execute(*words, *also)
    for place in (server, cluster):
        url = place.url.replace("://", "://breakerd@", 1)
        settings = FleetSettings(hub=url, name="shop", password=SecretStr(PASSWORD))
        hub, one = at_once(settings), MadeMember("a", "h")
        assert hub.facts().product == "Redis"
        hub.exchange(one.report(Slot(1, 2)))
        hub.act(Act("x", "trip", "payments"))
        hub.set_mode(Register("payments", "disabled", id="1"))
        assert hub.exchange(one.report(applied=(("x", "done"),))).members == 1
        assert hub.progress("payments", "x").applied == 1
        assert len(hub.members()) == 1
        assert hub.pool(POOL, "fleet")[0].members == 1
        hub.close()
        other = at_once(settings.model_copy(update={"name": "other"}))
        assert "lacks a right" in refusal(other)
        other.close()
    assert "begins anew" not in server.log


def test_a_user_who_may_not_ask_for_facts_is_served(server: RedisServer) -> None:
    server.execute("ACL", "SETUSER", "few", "on", "nopass", "~*", "+@all", "-info")
    hub = at_once(FleetSettings(hub=server.url.replace("://", "://few@"), name="shop"))
    assert answers(hub, MadeMember("a"))
    assert hub.facts() == ("", "", "", 0, 0, "")
    hub.close()


@pytest.mark.needs("openssl")
def test_an_encrypted_connection_is_checked(tmp_path: Path) -> None:
    made = Certificates.make(tmp_path)
    with one_server(redis_program(), tmp_path / "own", certificates=made) as server:
        hub = at_once(settings_of(server, tls_ca_file=str(made.authority)))
        assert answers(hub, MadeMember("a"))
        hub.close()
        assert "CERTIFICATE_VERIFY_FAILED" in refusal(at_once(settings_of(server)))
        named = server.url.replace("127.0.0.1", "localhost")
        other = FleetSettings(hub=named, name="shop", tls_ca_file=str(made.authority))
        assert "CERTIFICATE_VERIFY_FAILED" in refusal(at_once(other))


# --- use


def test_an_exchange_is_one_command_on_keys_of_the_fleet_only(
    server: RedisServer, hub: RedisHub
) -> None:
    one = MadeMember("a", "h", "z")
    hub.exchange(one.report())
    before = _script_calls(server)
    for _ in range(5):
        hub.exchange(one.report(Slot(1, 2)))
    assert _script_calls(server) - before == 5
    hub.act(Act("x", "trip", "payments"))
    hub.set_mode(Register("payments", "disabled", id="1"))
    hub.exchange(one.report(applied=(("x", "done"),)))
    keys = server.execute("KEYS", "*")
    assert keys
    assert set(keys) <= set(keys_of("shop"))
    assert all(key.startswith("breakerd:{shop}:") for key in keys)


def _script_calls(server: RedisServer) -> int:
    found = server.execute("INFO", "commandstats")
    return sum(
        int(found[f"cmdstat_{name}"]["calls"])
        for name in ("evalsha", "eval")
        if f"cmdstat_{name}" in found
    )


def test_two_fleets_share_a_server_and_nothing_else(server: RedisServer) -> None:
    one, other = (at_once(settings_of(server, name)) for name in ("shop", "shop2"))
    one.exchange(MadeMember("a").report())
    assert other.exchange(MadeMember("b").report()).members == 1
    for each in (one, other):
        each.close()


def test_a_script_that_the_server_has_forgotten_is_brought_again(
    server: RedisServer, hub: RedisHub
) -> None:
    one = MadeMember("a")
    assert answers(hub, one)
    server.execute("SCRIPT", "FLUSH")
    assert answers(hub, one)


@pytest.mark.parametrize("key", range(len(keys_of(""))))
def test_a_key_of_another_program_is_replaced(
    redis_server: RedisServer, time: DrivenTime, key: int
) -> None:
    tested = RedisUnderTest(FleetSettings(hub=redis_server.url, name=f"k{os.getpid()}-{key}"), time)
    one = MadeMember("a")
    tested.hub.act(Act("x", "trip", "payments"))
    tested.hub.exchange(one.report(Slot(int(time.now), 2)))
    tested.break_type(key)
    time.now += 601
    for _ in range(2):
        view = tested.hub.exchange(one.report(Slot(int(time.now), 2)))
    assert (view.members, pool_of(view).slots[0].calls) == (1, 2)
    tested.close()


def test_a_report_that_cannot_be_read_costs_the_others_nothing(hub: RedisHub) -> None:
    one = MadeMember("a")
    before = hub.exchange(one.report(Slot(1, 2)))
    arguments = report_arguments(MadeMember("b").report())
    arguments[0] = "[7"
    with pytest.raises(HubUnavailableError, match="cannot read the report"):
        hub._run("exchange", *arguments)
    assert hub.exchange(one.report(Slot(1, 2))).epoch == before.epoch


# --- loss


def test_a_server_that_is_away_is_told_and_its_return_too(
    server: RedisServer, hub: RedisHub, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "breakerd")
    one = MadeMember("a")
    before = hub.exchange(one.report())
    server.stop()
    for _ in range(3):
        assert "cannot be reached" in refusal(hub)
    server.start()
    after = hub.exchange(one.report())
    assert after.epoch > before.epoch, "it keeps nothing on its disk here"
    assert events(caplog) == [
        "hub lost, each process decides alone",
        "hub works again",
    ]


def test_a_server_that_is_silent_costs_a_second(server: RedisServer, hub: RedisHub) -> None:
    one = MadeMember("a")
    before = hub.exchange(one.report())
    with server.suspended():
        assert "does not answer in time" in refusal(hub)
    until(lambda: answers(hub, one))
    assert hub.exchange(one.report()).epoch == before.epoch


def test_a_server_without_memory_is_told_and_loses_nothing(
    server: RedisServer, hub: RedisHub
) -> None:
    one = MadeMember("a")
    before = hub.exchange(one.report(Slot(1, 2)))
    server.execute("CONFIG", "SET", "maxmemory", "1")
    assert "raise its maxmemory" in refusal(hub)
    server.execute("CONFIG", "SET", "maxmemory", "0")
    assert hub.exchange(one.report()).epoch == before.epoch


def test_a_policy_that_may_drop_the_fleet_is_told_once(
    server: RedisServer, hub: RedisHub, caplog: pytest.LogCaptureFixture
) -> None:
    server.execute("CONFIG", "SET", "maxmemory", "100mb")
    server.execute("CONFIG", "SET", "maxmemory-policy", "allkeys-lru")
    for _ in range(3):
        answers(hub, MadeMember("a"))
    assert events(caplog) == ["hub may forget"]
    server.execute("CONFIG", "SET", "maxmemory-policy", "volatile-lru")
    assert hub.facts().may_forget() == ""


def test_a_replica_takes_no_exchange(sentinels: Sentinels) -> None:
    hub = at_once(settings_of(sentinels.replica))
    assert "is a replica" in refusal(hub)
    hub.close()


def test_the_sentinels_lead_to_the_new_primary(tmp_path: Path) -> None:
    passwords = {"password": PASSWORD, "sentinel_password": "other"}
    with with_sentinels(redis_program(), tmp_path, **passwords) as group:
        settings = FleetSettings.model_validate({"hub": group.url, "name": "shop", **passwords})
        hub, one = at_once(settings), MadeMember("a")
        before = hub.exchange(one.report())
        until(group.replicated)
        group.fail_over()
        until(lambda: answers(hub, one))
        assert hub.exchange(one.report()).epoch == before.epoch
        hub.close()


def test_no_sentinel_knows_another_name(sentinels: Sentinels) -> None:
    hub = at_once(FleetSettings(hub=sentinels.url + "2", name="x"))
    assert "know no primary of that name" in refusal(hub)
    hub.close()


def test_a_slot_that_moves_takes_the_fleet_with_it(cluster: Cluster) -> None:
    hub = at_once(FleetSettings(hub=cluster.url, name=(name := f"c{os.getpid()}")))
    one = MadeMember("a")
    before = hub.exchange(one.report())
    cluster.move_slot_of(keys_of(name)[0])
    until(lambda: answers(hub, one))
    assert hub.exchange(one.report()).epoch == before.epoch
    hub.close()


def test_a_child_does_not_speak_on_its_parents_connection(hub: RedisHub) -> None:
    one, other = MadeMember("a"), MadeMember("b")
    hub.exchange(one.report())
    assert in_child(lambda: hub.exchange(other.report()).members) == 2
    assert hub.exchange(one.report()).members == 2


def test_valkey_is_named_as_what_it_is(valkey_server: RedisServer) -> None:
    hub = at_once(settings_of(valkey_server))
    assert hub.facts().product == "Valkey"
    assert hub.facts().too_old() == ""
    hub.close()
