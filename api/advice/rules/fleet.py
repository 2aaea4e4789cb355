"""Rules about the hub of a fleet."""

from collections.abc import Iterator
from typing import Final

from breakerd.api.advice.rule import Concern, Rule, Subject
from breakerd.api.security.loopback import is_loopback
from breakerd.breaker.fleet.settings.hub_address import PASSWORD_VARIABLE

_HUB: Final = ("fleet", "hub")


def _redis_in_clear(subject: Subject) -> Iterator[Concern]:
    address = subject.settings.fleet.address
    if address.remote and not address.tls and _is_elsewhere(subject):
        text = (
            "what goes to another machine is not encrypted, the password too: write rediss:// "
            "where the server has a certificate"
        )
        yield Concern(text, (_HUB,))


def _redis_without_password(subject: Subject) -> Iterator[Concern]:
    fleet = subject.settings.fleet
    certified = fleet.tls_cert_file is not None
    if fleet.address.remote and not fleet.password and not certified and _is_elsewhere(subject):
        text = (
            "whoever reaches the server may open and close the breakers of the fleet: set "
            f"{PASSWORD_VARIABLE} or `password_file`"
        )
        yield Concern(text, (_HUB,))


def _is_elsewhere(subject: Subject) -> bool:
    return not all(is_loopback(node.host) for node in subject.settings.fleet.address.nodes)


RULES: Final = (
    Rule(
        "redis-in-clear",
        "The hub is on another machine, and its address does not begin with `rediss`: passwords "
        "and commands can be read on the way.",
        _redis_in_clear,
    ),
    Rule(
        "redis-without-password",
        "The hub is on another machine, and neither a password nor a certificate is set: whoever "
        "reaches it commands the fleet.",
        _redis_without_password,
    ),
)
