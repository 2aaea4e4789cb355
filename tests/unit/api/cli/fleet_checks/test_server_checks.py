"""Judgement of what was seen of a hub's server."""

from __future__ import annotations

from typing import Any

import pytest

from breakerd.alerts.doctor.finding import CheckStatus, Finding
from breakerd.api.cli.fleet_checks.server_checks import judge_server
from breakerd.breaker.fleet.hub.redis.facts import ServerFacts
from breakerd.breaker.fleet.hub.redis.inspection import Inspection
from breakerd.breaker.fleet.settings.hub_address import parse_hub

FACTS = ServerFacts("Redis", "7.0.15", "7.0.15", 0, 2**20, "noeviction")
GOOD = Inspection(answers=(0.001, 0.002, 0.9), ahead=0.1, facts=FACTS, keys_size=2**19)
ALONE = "redis://breakerd@cache"
SENTINEL = "redis+sentinel://cache/main"


def judge(hub: str = ALONE, **changes: Any) -> dict[str, Finding]:
    found = list(judge_server(GOOD._replace(**changes), parse_hub(hub)))
    assert all(each.advice for each in found if each.status is not CheckStatus.OK)
    by_check = {each.check: each for each in found}
    assert len(by_check) == len(found)
    return by_check


def test_nothing_is_wrong() -> None:
    found = judge()
    assert {check: each.status.value for check, each in found.items()} == dict.fromkeys(
        ("hub", "hub latency", "hub clock", "hub rights", "hub eviction", "hub memory"), "ok"
    )
    assert found["hub"].found == "Redis 7.0.15 answers"
    assert found["hub latency"].found == "answers take 2.0 ms (median of 3)"
    assert found["hub memory"].found == "1.0 MiB used of no limit, by this fleet 0.5 MiB"


@pytest.mark.parametrize(
    ("problem", "advice"),
    [
        ("the server refuses the password: set X (WRONGPASS)", "the user in front"),
        ("cannot be reached: CERTIFICATE_VERIFY_FAILED unable to get issuer", "tls_ca_file"),
        ("CERTIFICATE_VERIFY_FAILED: certificate has expired", "renew"),
        ("CERTIFICATE_VERIFY_FAILED: IP address mismatch", "certificate names"),
        ("[SSL: WRONG_VERSION_NUMBER]", "speaks no TLS"),
        ("the server cannot be reached: Connection closed by server.", "rediss://"),
        ("the server cannot be reached: Connection refused", "see that the server runs"),
    ],
)
def test_a_problem_has_an_advice_and_nothing_is_guessed_behind_it(
    problem: str, advice: str
) -> None:
    found = judge(problem=problem, answers=())
    assert list(found) == ["hub"]
    assert found["hub"].status is CheckStatus.FAIL
    assert advice in found["hub"].advice


def test_what_was_seen_before_a_problem_is_told() -> None:
    found = judge(problem="the server does not answer in time")
    assert found["hub"].status is CheckStatus.FAIL
    assert "hub latency" in found
    assert "hub rights" not in found


@pytest.mark.parametrize(
    ("changes", "check", "status", "words"),
    [
        ({"answers": (0.06,)}, "hub latency", "warning", "60.0 ms"),
        ({"ahead": 3.0}, "hub clock", "warning", "3.0 s ahead of"),
        ({"ahead": -3.0}, "hub clock", "warning", "3.0 s behind"),
        ({"ahead": None}, "hub clock", "unknown", "TIME"),
        ({"missing": ("+hset", "+zadd")}, "hub rights", "fail", "+hset +zadd"),
        ({"facts": ServerFacts()}, "hub memory", "unknown", "INFO"),
        ({"facts": FACTS._replace(speaks="5.0.1")}, "hub", "fail", "too old"),
        (
            {"facts": FACTS._replace(max_memory=2**21, eviction="allkeys-lru")},
            "hub eviction",
            "warning",
            "allkeys-lru",
        ),
        ({"facts": FACTS._replace(max_memory=2**20 + 1)}, "hub memory", "warning", "1.0 MiB"),
        ({"keys_size": None}, "hub memory", "ok", "no limit"),
        ({"node": "a:7000"}, "hub node", "ok", "a:7000"),
    ],
)
def test_one_thing_is_wrong(changes: dict[str, Any], check: str, status: str, words: str) -> None:
    found = judge(**changes)[check]
    assert (found.status, words in found.found) == (CheckStatus(status), True), found


def test_a_missing_right_is_told_with_the_rule_to_add() -> None:
    assert judge(missing=("+hset",))["hub rights"].advice == "ACL SETUSER breakerd +hset"
    assert judge("redis://cache", missing=("+hset",))["hub rights"].advice.startswith(
        "ACL SETUSER default"
    )


def test_a_primary_needs_a_replica_only_where_sentinels_choose() -> None:
    assert "hub replicas" not in judge(replicas=0)
    assert judge(SENTINEL, replicas=0)["hub replicas"].status is CheckStatus.WARNING
    assert judge(SENTINEL, replicas=1)["hub replicas"].status is CheckStatus.OK
    assert "hub replicas" not in judge(SENTINEL, replicas=None)
