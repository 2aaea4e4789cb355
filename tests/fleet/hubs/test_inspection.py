"""Views of `breakerd doctor` on real servers: rights, passwords, memory, encryption, groups."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest
from pydantic import SecretStr

from breakerd.alerts.doctor.finding import CheckStatus, Finding
from breakerd.api.cli.fleet_checks.checks import check_fleet
from breakerd.breaker.fleet.hub.redis.clients import make_client
from breakerd.breaker.fleet.hub.redis.hub import RedisHub
from breakerd.breaker.fleet.hub.redis.inspection import inspect_server
from breakerd.breaker.fleet.hub.redis.rights import _HARMLESS, commands_of_script, missing_rights
from breakerd.breaker.fleet.settings.fleet_settings import FleetSettings
from tests.support.certificates import Certificates
from tests.support.documented import PROJECT
from tests.support.fleet_reports import MadeMember
from tests.support.redis_servers import Cluster, RedisServer, Sentinels, one_server, redis_program

PASSWORD: Final = "geheim"
NEEDS: Final = pytest.mark.needs("redis-server")


@pytest.fixture
def server(tmp_path: Path) -> Iterator[RedisServer]:
    with one_server(redis_program(), tmp_path / "own") as own:
        yield own


def settings_of(url: str, **more: object) -> FleetSettings:
    return FleetSettings.model_validate({"hub": url, "name": "shop", **more})


def check(settings: FleetSettings) -> dict[str, Finding]:
    return {each.check: each for each in check_fleet(settings, "var/breakerd.db")}


def worst(findings: dict[str, Finding]) -> set[CheckStatus]:
    return {each.status for each in findings.values()}


def test_each_command_of_the_script_can_be_tried() -> None:
    assert commands_of_script() == frozenset(_HARMLESS)


@NEEDS
def test_a_server_on_which_all_is_well_stays_as_it_was(server: RedisServer) -> None:
    settings = settings_of(server.url)
    hub = RedisHub.from_settings(settings)
    hub.exchange(MadeMember("a").report())
    before = server.execute("KEYS", "*")
    found = check(settings)
    assert worst(found) == {CheckStatus.OK}
    assert set(server.execute("KEYS", "*")) == set(before)
    assert hub.exchange(MadeMember("b").report()).members == 2
    hub.close()
    assert inspect_server(settings).keys_size
    assert len(inspect_server(settings).answers) == 20


@NEEDS
def test_another_clock_is_told(server: RedisServer) -> None:
    ahead = inspect_server(settings_of(server.url), clock=lambda: 0.0).ahead
    assert ahead is not None
    assert ahead > 1e9


@NEEDS
def test_the_rights_of_the_page_are_enough_and_each_is_missed(server: RedisServer) -> None:
    page = (PROJECT / "docs/fleet.md").read_text()
    rule = re.search(r"^ACL SETUSER .*$", page, re.MULTILINE)
    assert rule is not None
    server.execute(*rule[0].replace("PASSWORD", PASSWORD).replace("{NAME}", "{shop}").split())
    url = server.url.replace("://", "://breakerd@")
    settings = settings_of(url, password=SecretStr(PASSWORD))
    found = check(settings)
    assert worst(found) == {CheckStatus.OK}, found
    client = make_client(settings)
    for right in re.findall(r"\+([a-z]+)", rule[0]):
        server.execute("ACL", "SETUSER", "breakerd", f"-{right}")
        assert missing_rights(client, "shop") == (f"+{right}",)
        assert server.execute("KEYS", "*") == [], "nothing stays"
        server.execute("ACL", "SETUSER", "breakerd", f"+{right}")
    assert missing_rights(client, "shop") == ()
    assert missing_rights(client, "other") == ("~breakerd:{other}:*",)
    client.close()


@NEEDS
def test_a_user_who_may_ask_for_nothing_is_told_what_to_add(server: RedisServer) -> None:
    server.execute("ACL", "SETUSER", "few", "on", "nopass", "~*", "+@all", "-info", "-time")
    found = check(settings_of(server.url.replace("://", "://few@")))
    assert found["hub clock"].status is CheckStatus.UNKNOWN
    assert found["hub memory"].status is CheckStatus.UNKNOWN
    assert found["hub rights"].advice == "ACL SETUSER few +info +time"


@NEEDS
def test_a_wrong_password(tmp_path: Path) -> None:
    with one_server(redis_program(), tmp_path / "own", password=PASSWORD) as server:
        for wrong in (None, SecretStr("wrong")):
            found = check(settings_of(server.url, password=wrong))
            assert list(found) == ["hub"]
            assert "refuses the password" in found["hub"].found
            assert "set the right one" in found["hub"].advice
            assert "wrong" not in found["hub"].found.replace("WRONGPASS", "")


@NEEDS
@pytest.mark.parametrize(
    ("policy", "status"),
    [("noeviction", "ok"), ("volatile-lru", "ok"), ("allkeys-lru", "warning")],
)
def test_the_policy_of_memory(server: RedisServer, policy: str, status: str) -> None:
    server.execute("CONFIG", "SET", "maxmemory", "100mb", "maxmemory-policy", policy)
    assert check(settings_of(server.url))["hub eviction"].status.value == status


@NEEDS
def test_a_server_without_memory(server: RedisServer) -> None:
    server.execute("CONFIG", "SET", "maxmemory", "1")
    found = check(settings_of(server.url))
    assert found["hub memory"].status is CheckStatus.WARNING


@NEEDS
@pytest.mark.needs("openssl")
def test_encryption_that_does_not_fit(tmp_path: Path) -> None:
    made = Certificates.make(tmp_path)
    with one_server(redis_program(), tmp_path / "own", certificates=made) as server:
        authority = {"tls_ca_file": str(made.authority)}
        assert worst(check(settings_of(server.url, **authority))) == {CheckStatus.OK}
        assert "tls_ca_file" in check(settings_of(server.url))["hub"].advice
        named = server.url.replace("127.0.0.1", "localhost")
        assert "certificate names" in check(settings_of(named, **authority))["hub"].advice
        plain = server.url.replace("rediss", "redis")
        assert "rediss://" in check(settings_of(plain))["hub"].advice


@NEEDS
def test_tls_to_a_server_that_speaks_none(server: RedisServer) -> None:
    found = check(settings_of(server.url.replace("redis://", "rediss://")))
    assert found["hub"].status is CheckStatus.FAIL


@NEEDS
def test_groups_of_servers(sentinels: Sentinels, cluster: Cluster) -> None:
    found = check(settings_of(sentinels.url))
    assert worst(found) == {CheckStatus.OK}
    assert found["hub replicas"].found == "1 follow the primary"
    assert "know no primary" in check(settings_of(sentinels.url + "2"))["hub"].found
    replica = check(settings_of(sentinels.replica.url))
    assert "is a replica" in replica["hub"].found
    found = check(settings_of(cluster.url))
    assert worst(found) == {CheckStatus.OK}
    assert str(cluster.holder_of("breakerd:{shop}:hub").port) in found["hub node"].found
