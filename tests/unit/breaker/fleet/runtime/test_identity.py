from __future__ import annotations

import os
import socket

from breakerd import Registry, Settings
from breakerd.breaker.fleet.runtime.identity import make_member_info, pool_name, settings_digest
from breakerd.breaker.fleet.settings.fleet_settings import FleetSettings


def test_a_process_says_where_and_what_it_is() -> None:
    settings = FleetSettings(role="web", labels={"zone": "eu-1a", "pod": "web-7"})
    with Registry() as registry:
        first = make_member_info(settings, 5, registry)
        second = make_member_info(settings, 5, registry)
    assert first.host == socket.gethostname()
    assert (first.pid, first.incarnation, first.role, first.zone) == (
        os.getpid(), 5, "web", "eu-1a",
    )  # fmt: skip
    assert first.labels == (("pod", "web-7"), ("zone", "eu-1a"))
    assert first.id != second.id


def test_a_given_name_stands_for_the_host() -> None:
    with Registry() as registry:
        info = make_member_info(FleetSettings(host="web-7"), 1, registry)
    assert info.host == "web-7"
    assert info.id.startswith("web-7-")


def test_with_a_file_the_host_is_all_there_is() -> None:
    zoned = {"labels": {"zone": "eu-1a"}, "host": "web-7"}
    with Registry() as registry:
        alone = make_member_info(
            FleetSettings.model_validate({"hub": "file", **zoned}), 1, registry
        )
        server = {"hub": "redis://cache", "name": "shop", **zoned}
        other = make_member_info(FleetSettings.model_validate(server), 1, registry)
    assert alone.scopes == ("fleet",)
    assert other.scopes == ("host:web-7", "zone:eu-1a", "fleet")
    assert (alone.host, alone.zone) == (other.host, other.zone)


def test_only_those_who_agree_on_what_is_trouble_share_evidence() -> None:
    usual = pool_name("payments", "web", Settings())
    assert pool_name("payments", "web", Settings(memory_threshold=0.5)) == usual
    assert pool_name("payments", "web", Settings(latency_threshold=7)) != usual
    assert pool_name("payments", "worker", Settings()) != usual
    assert usual.startswith("payments|")


def test_the_digest_is_that_of_all_settings() -> None:
    with Registry() as one, Registry() as other:
        for registry in (one, other):
            registry.get("payments")
            registry.get("search")
        assert settings_digest(one) == settings_digest(reversed(list(other)))
        other.get("payments").apply(Settings(memory_threshold=0.5))
        assert settings_digest(one) != settings_digest(other)
