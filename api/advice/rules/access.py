"""Rules about who may change what, who may read it, and what is kept of it."""

from collections.abc import Iterator
from typing import Final
from urllib.parse import urlsplit

from pydantic import SecretStr

from breakerd.api.advice.rule import Concern, Rule, Subject
from breakerd.api.security.loopback import is_loopback
from breakerd.api.security.tokens import READ_TOKEN_VARIABLE, TOKEN_VARIABLE, Tokens
from breakerd.api.settings import OPEN_LOOPBACK_RISK
from breakerd.breaker.config import Key

SECRET_NAMES: Final = frozenset({"api_key", "key", "url", "token", "password", "sentinel_password"})
"""Keys whose values are secrets, in the sections that have any."""
_HEADERS: Final = "headers"
_SHORT: Final = 16
"""Length of a token below which it can be guessed."""
_FEW: Final = 6
"""Number of different characters below which it can be guessed."""
_READ_BY_OTHERS: Final = 0o004


def _open_loopback(subject: Subject) -> Iterator[Concern]:
    api = subject.settings.api
    if api.loopback == "open" and not Tokens.load(api, subject.environ):
        text = f"{OPEN_LOOPBACK_RISK}; remove `loopback`, or set {TOKEN_VARIABLE}"
        yield Concern(text, (("api", "loopback"),))


def _token_weak(subject: Subject) -> Iterator[Concern]:
    tokens = Tokens.load(subject.settings.api, subject.environ)
    for token, key, variable in (
        (tokens.full, "token_file", TOKEN_VARIABLE),
        (tokens.read, "read_token_file", READ_TOKEN_VARIABLE),
    ):
        if token is not None and _is_weak(token):
            where = f"in {variable}" if subject.environ.get(variable, "").strip() else "in the file"
            text = (
                f"the token {where} is short enough to be guessed: use at least {_SHORT} random "
                "characters, such as those of `openssl rand -hex 32`"
            )
            yield Concern(text, (("api", key), ("api",)))


def _is_weak(token: SecretStr) -> bool:
    value = token.get_secret_value()
    return len(value) < _SHORT or len(set(value)) < _FEW


def _tokens_equal(subject: Subject) -> Iterator[Concern]:
    tokens = Tokens.load(subject.settings.api, subject.environ)
    if tokens.full and tokens.read and tokens.full == tokens.read:
        text = "it is the full token too: whoever may read may change everything"
        yield Concern(text, (("api", "read_token_file"), ("api",)))


def _no_token(subject: Subject) -> Iterator[Concern]:
    api = subject.settings.api
    if not api.made_token_file and not Tokens.load(api, subject.environ).full:
        if api.loopback == "open":
            return
        text = f"none is made or set, so that nobody may change anything: set {TOKEN_VARIABLE}"
        yield Concern(text, (("api", "made_token_file"),))


def _audit_not_kept(subject: Subject) -> Iterator[Concern]:
    if not subject.settings.api.audit_file:
        text = "who changed what is forgotten when the service stops: name a file"
        yield Concern(text, (("api", "audit_file"),))


def _secret_readable(subject: Subject) -> Iterator[Concern]:
    try:
        mode = subject.document.path.stat().st_mode
    except OSError:
        return
    if mode & _READ_BY_OTHERS:
        text = (
            "every user of this machine may read this secret: use a variable or a file of its own, "
            f"or take the right from others (chmod o-r {subject.document.path.name})"
        )
        for key in _secrets_of(subject):
            yield Concern(text, (key,))


def _secrets_of(subject: Subject) -> Iterator[Key]:
    data = subject.document.data
    alerts = data.get("alerts")
    receivers = alerts.get("receivers") if isinstance(alerts, dict) else None
    yield from _in_table(data.get("opsgenie"), ("opsgenie",), SECRET_NAMES)
    yield from _in_table(data.get("fleet"), ("fleet",), SECRET_NAMES)
    for kind, named in receivers.items() if isinstance(receivers, dict) else ():
        for name, receiver in named.items():
            at = ("alerts", "receivers", kind, name)
            yield from _in_table(receiver, at, SECRET_NAMES | {_HEADERS})


def _in_table(table: object, at: Key, names: frozenset[str]) -> Iterator[Key]:
    if isinstance(table, dict):
        yield from ((*at, name) for name, value in table.items() if name in names and value)


def _link_leads_nowhere(subject: Subject) -> Iterator[Concern]:
    alerting = subject.settings.alerting
    links = {
        ("alerts", "runbook_url"): alerting.alerts.runbook_url,
        ("alerts", "dashboard_url"): alerting.alerts.dashboard_url,
        ("api", "public_url"): alerting.public_url,
    }
    for key, url in links.items():
        if url and (problem := _link_problem(url)):
            yield Concern(problem, (key,))


def _link_problem(url: str) -> str:
    """Return why people cannot follow a link from another machine; empty if they can."""
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
    except ValueError:
        return "alerts show it, and it is no URL"
    if parts.scheme not in {"http", "https"} or not host:
        return "alerts show it, and no browser follows it: begin with https://"
    return (
        "alerts show it, and it leads whoever follows it to a machine of their own"
        if is_loopback(host)
        else ""
    )


RULES: Final = (
    Rule(
        "open-loopback",
        '`loopback = "open"` without a token: whoever reaches this machine may change everything.',
        _open_loopback,
    ),
    Rule(
        "token-weak",
        "A token has less than 16 characters, or less than 6 different ones: it can be guessed.",
        _token_weak,
    ),
    Rule(
        "tokens-equal",
        "The read-only token is the full token: whoever may read may change everything.",
        _tokens_equal,
    ),
    Rule(
        "no-token",
        "No token is set, and `made_token_file` is empty: nobody may change anything.",
        _no_token,
    ),
    Rule(
        "audit-not-kept",
        "`audit_file` is empty: who changed what is lost at the end of the process.",
        _audit_not_kept,
    ),
    Rule(
        "secret-readable",
        "The file holds a secret, and every user of the machine may read it.",
        _secret_readable,
    ),
    Rule(
        "link-leads-nowhere",
        "`runbook_url`, `dashboard_url` or `public_url` is none that a browser opens, or leads to "
        "loopback.",
        _link_leads_nowhere,
    ),
)
