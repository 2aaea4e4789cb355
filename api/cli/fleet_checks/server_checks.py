"""Judgement of a hub's server, in words that say what to do."""

from collections.abc import Iterator
from statistics import median
from typing import Final

from breakerd.alerts.doctor.finding import Finding, fail, ok, unknown, warning
from breakerd.breaker.fleet.hub.redis.inspection import Inspection
from breakerd.breaker.fleet.settings.hub_address import HubAddress, HubKind

_SLOW: Final = 0.05
"""Seconds of an answer, above which the exchange of a busy fleet may not end in time."""
_SKEW: Final = 1.0
"""Seconds between two clocks, above which people are misled."""
_FULL: Final = 0.9
"""Share of the memory, from which on the end is near."""
_LOOK: Final = "see that the server runs, and that this host reaches it"
_ADVICE: Final = (
    ("is not valid for", "name in `hub` the host that the server's certificate names"),
    ("IP address mismatch", "name in `hub` the host that the server's certificate names"),
    ("has expired", "renew the server's certificate"),
    ("CERTIFICATE_VERIFY_FAILED", "set `tls_ca_file` to the authority that signed its certificate"),
    ("CERTIFICATE_REQUIRED", "the server asks for a certificate: set `tls_cert_file`"),
    ("WRONG_VERSION", "the port speaks no TLS: name the one that does, or redis://"),
    ("record layer failure", "the port speaks no TLS: name the one that does, or redis://"),
    ("closed by server", "if the port speaks TLS, write rediss:// in `hub`"),
    ("reset by peer", "if the port speaks TLS, write rediss:// in `hub`; " + _LOOK),
    ("refuses the password", "set the right one, and the user in front of the host"),
    ("lacks a right", "give the user the rights that docs/fleet.md lists"),
    ("out of memory", "raise `maxmemory` of the server"),
    ("is a replica", "name the primary, or use redis+sentinel://"),
    ("know no primary", "correct the name of the service in `hub`"),
)
"""Advice by what the problem contains; the first that fits counts."""


def judge_server(found: Inspection, address: HubAddress) -> Iterator[Finding]:
    """Yield what is right and wrong with the server at `address`."""
    if found.problem:
        advice = next((text for part, text in _ADVICE if part in found.problem), _LOOK)
        yield fail("hub", found.problem, advice)
    elif too_old := found.facts.too_old():
        yield fail("hub", too_old, "update it, or use another server")
    else:
        version = f"{found.facts.product} {found.facts.version}".strip() or "the server"
        yield ok("hub", f"{version} answers")
    if not found.answers:
        return
    yield _judge_latency(found)
    yield _judge_clock(found)
    yield from _judge_rights(found, address)
    if found.facts.version:
        yield _judge_eviction(found)
        yield _judge_memory(found)
    else:
        yield unknown("hub memory", "the server's user may not ask (INFO)", "add the rule +info")
    yield from _judge_place(found, address)


def _judge_latency(found: Inspection) -> Finding:
    typical = median(found.answers)
    text = f"answers take {typical * 1e3:.1f} ms (median of {len(found.answers)})"
    if typical <= _SLOW:
        return ok("hub latency", text)
    advice = "no call waits for it, but trouble is found later: use a server nearer by"
    return warning("hub latency", text, advice)


def _judge_clock(found: Inspection) -> Finding:
    if found.ahead is None:
        return unknown("hub clock", "the server's user may not ask (TIME)", "add the rule +time")
    if abs(found.ahead) <= _SKEW:
        return ok("hub clock", f"the same as this host's within {_SKEW:g} s")
    way = "ahead of" if found.ahead > 0 else "behind"
    text = f"the server's is {abs(found.ahead):.1f} s {way} this host's"
    advice = "synchronize both by NTP; decisions do not depend on it, times that people read do"
    return warning("hub clock", text, advice)


def _judge_rights(found: Inspection, address: HubAddress) -> Iterator[Finding]:
    if found.missing:
        rules = " ".join(found.missing)
        user = address.user or "default"
        yield fail("hub rights", f"the user lacks {rules}", f"ACL SETUSER {user} {rules}")
    elif not found.problem:
        yield ok("hub rights", "the user has all that the fleet needs")


def _judge_eviction(found: Inspection) -> Finding:
    if text := found.facts.may_forget():
        advice = "set `maxmemory-policy noeviction`, or use a server of its own"
        return warning("hub eviction", text, advice)
    return ok("hub eviction", f"{found.facts.eviction}: keeps the fleet's keys")


def _judge_memory(found: Inspection) -> Finding:
    used, limit = found.facts.used_memory, found.facts.max_memory
    text = f"{_mebibytes(used)} used of {_mebibytes(limit) if limit else 'no limit'}"
    if found.keys_size is not None:
        text += f", by this fleet {_mebibytes(found.keys_size)}"
    if limit and used >= _FULL * limit:
        return warning("hub memory", text, "raise `maxmemory` before the server takes no writes")
    return ok("hub memory", text)


def _judge_place(found: Inspection, address: HubAddress) -> Iterator[Finding]:
    if found.node:
        yield ok("hub node", f"all keys of the fleet are on {found.node}")
    elif address.kind is HubKind.SENTINEL and found.replicas == 0:
        text = "no replica follows the primary, so that nothing can take its place"
        yield warning("hub replicas", text, "start a replica, or see why it does not follow")
    elif address.kind is HubKind.SENTINEL and found.replicas:
        yield ok("hub replicas", f"{found.replicas} follow the primary")


def _mebibytes(size: int) -> str:
    return f"{size / 2**20:.1f} MiB"
