from __future__ import annotations

import pytest

from breakerd.breaker.fleet.settings.hub_address import HubAddress, HubKind, Node, parse_hub


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("file", HubAddress(HubKind.FILE)),
        ("none", HubAddress(HubKind.NONE)),
        ("redis://h", HubAddress(HubKind.REDIS, (Node("h", 6379),))),
        (
            "rediss://ada@h.example:7000/3",
            HubAddress(HubKind.REDIS, (Node("h.example", 7000),), tls=True, user="ada", database=3),
        ),
        ("redis://[::1]:7000", HubAddress(HubKind.REDIS, (Node("::1", 7000),))),
        (
            "redis+sentinel://a,b:7001/main/2",
            HubAddress(
                HubKind.SENTINEL, (Node("a", 26379), Node("b", 7001)), service="main", database=2
            ),
        ),
        (
            "rediss+cluster://ada@a:7000,b",
            HubAddress(HubKind.CLUSTER, (Node("a", 7000), Node("b", 6379)), tls=True, user="ada"),
        ),
    ],
)
def test_an_address_is_read(text: str, address: HubAddress) -> None:
    assert parse_hub(text) == address
    assert address.remote == ("://" in text)


@pytest.mark.parametrize(
    ("text", "allowed"),
    [
        ("fil", "did you mean 'file'"),
        ("None", "did you mean 'none'"),
        ("", "'file', 'none', or a URL"),
        ("memcached", "'file', 'none', or a URL"),
        ("redi://h", "did you mean 'redis://'"),
        ("redis+sentinal://h/main", "did you mean 'redis\\+sentinel://'"),
        ("https://h", "one of redis://"),
        ("redis://", r"redis://\[USER@\]HOST"),
        ("redis://a,b", r"redis://\[USER@\]HOST"),
        ("redis://h:0", "port between 1 and 65535"),
        ("redis://h:70000", "port between 1 and 65535"),
        ("redis://h:x", r"redis://\[USER@\]HOST"),
        ("redis://h/one", r"redis://\[USER@\]HOST"),
        ("redis://h/1/2", r"redis://\[USER@\]HOST"),
        ("redis://h/9999", r"redis://\[USER@\]HOST"),
        ("redis://h/0?ssl=1", r"redis://\[USER@\]HOST"),
        ("redis+sentinel://h", "/SERVICE"),
        ("redis+sentinel://h/a b", "/SERVICE"),
        ("redis+cluster://h/1", r"redis\+cluster://"),
    ],
)
def test_what_is_no_address_is_told_what_is_allowed(text: str, allowed: str) -> None:
    with pytest.raises(ValueError, match=allowed):
        parse_hub(text)


@pytest.mark.parametrize("text", ["redis://:geheim@h", "rediss+cluster://ada:geheim@h"])
def test_a_password_in_it_is_refused_and_not_shown(text: str) -> None:
    with pytest.raises(ValueError, match="BREAKERD_FLEET_PASSWORD") as failure:
        parse_hub(text)
    assert "geheim" not in str(failure.value)


def test_a_node_is_shown_as_in_a_url() -> None:
    assert [str(node) for node in (Node("h", 1), Node("::1", 2))] == ["h:1", "[::1]:2"]
