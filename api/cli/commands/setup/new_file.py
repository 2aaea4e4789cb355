"""Text of a new configuration file, with comments for people."""

import os
from collections.abc import Iterator, Mapping
from typing import Final

import tomlkit

from breakerd.api.cli.commands.setup.answers import (
    NO_RECEIVER,
    OPSGENIE,
    RECEIVER_NAME,
    SECRET_OF,
    Answers,
    variable_of,
)
from breakerd.api.file_schema import HEADER
from breakerd.breaker.fleet.settings.hub_address import FILE, PASSWORD_VARIABLE, parse_hub

_WITHOUT_KEY: Final = "alerting-without-key"


def new_file(answers: Answers, environ: Mapping[str, str] = os.environ) -> str:
    """Return the text of a file that `check` passes without an error and without a warning."""
    parts = [
        _head(answers),
        _judging(answers),
        *map(_breaker, answers.breakers),
        _paging(answers, environ),
        _pages(answers),
        _fleet(answers, environ),
    ]
    return "\n\n".join("\n".join(part) for part in parts if part) + "\n"


def _head(answers: Answers) -> list[str]:
    return [
        HEADER,
        "",
        f"# Settings of the breakers of {answers.service}, and of who is paged.",
        "# An omitted key has its default; docs/configuration.md of breakerd lists all of them.",
        "# The file may be edited while the service runs: a valid one is applied when it is saved,",
        "# an invalid one changes nothing. `breakerd check FILE` checks it beforehand.",
    ]


def _judging(answers: Answers) -> list[str]:
    """Return the root: what a breaker judges calls by."""
    if answers.slo is None:
        return [
            "# The root is for every breaker. A breaker opens when the 95th percentile of its",
            "# latest calls is above this (ms), when more than half of them fail, or several in",
            "# a row.",
            f"latency_threshold = {answers.latency_threshold:g}",
        ]
    rate, timeout = answers.slo
    return [
        "# The root is for every breaker. This share of calls should succeed within `timeout` (s);",
        "# breakers find their thresholds by themselves.",
        "[slo]",
        f"success_rate = {rate:g}",
        f"timeout = {timeout:g}",
    ]


def _breaker(name: str) -> list[str]:
    key = tomlkit.key(name).as_string() if "." not in name else f'"{name}"'
    return [
        f"# What differs for {name}; all else is as at the root.",
        f"[breakers.{key}]",
        "# wait_time = 5  # s: the shortest time open, if the breaker shall not find it itself",
    ]


def _paging(answers: Answers, environ: Mapping[str, str]) -> list[str]:
    kind = answers.receiver
    enabled = kind == OPSGENIE
    identity = {
        "team": answers.team,
        "environment": answers.environment,
        "api_name": answers.service,
        **({"region": answers.region} if enabled else {}),
    }
    lines = [_about_alerts(kind), "[opsgenie]"]
    if enabled:
        lines += [*_secret_comment(answers), f"enabled = true{_allowance(answers, environ)}"]
    lines += [f"{key} = {_text(value)}" for key, value in identity.items() if value]
    if enabled and answers.secret_file:
        lines.append(f"api_key_file = {_text(answers.secret_file)}")
    return lines if kind in {NO_RECEIVER, OPSGENIE} else [*lines, "", *_receiver(answers, environ)]


def _about_alerts(kind: str) -> str:
    if kind == NO_RECEIVER:
        return "# Nobody is paged: incidents are only logged. docs/receivers.md names receivers."
    return "# Who is paged, and what alerts say of the service, whatever receives them."


def _receiver(answers: Answers, environ: Mapping[str, str]) -> Iterator[str]:
    table = f"[alerts.receivers.{answers.receiver}.{RECEIVER_NAME}]"
    yield from _secret_comment(answers)
    yield f"{table}{_allowance(answers, environ)}"
    if answers.secret_file:
        yield f"{SECRET_OF[answers.receiver]}_file = {_text(answers.secret_file)}"


def _secret_comment(answers: Answers) -> list[str]:
    what = {"key": "Its key", "url": "Its URL"}[SECRET_OF[answers.receiver]]
    where = "the file below" if answers.secret_file else variable_of(answers.receiver)
    return [f"# {what} is a secret, and not in this file but in {where}."]


def _allowance(answers: Answers, environ: Mapping[str, str]) -> str:
    variable = variable_of(answers.receiver)
    if answers.secret_file or environ.get(variable, "").strip():
        return ""
    return f"  # breakerd: allow {_WITHOUT_KEY}: {variable} is set where the service runs"


def _pages(answers: Answers) -> list[str]:
    if not answers.public_url:
        return []
    return [
        "# Alerts link to the page of their incident below this address.",
        "[api]",
        f"public_url = {_text(answers.public_url)}",
    ]


def _fleet(answers: Answers, environ: Mapping[str, str]) -> list[str]:
    if answers.hub == FILE:
        return []
    lines = ["# Where the processes of the service meet, to decide together."]
    if not parse_hub(answers.hub).remote:
        return [*lines, "[fleet]", f"hub = {_text(answers.hub)}"]
    allowance = ""
    if not environ.get(PASSWORD_VARIABLE, "").strip():
        reason = f"{PASSWORD_VARIABLE} is set where the service runs"
        allowance = f"  # breakerd: allow redis-without-password: {reason}"
    return [
        *lines,
        f"# The server's password is a secret, and not in this file but in {PASSWORD_VARIABLE}.",
        "[fleet]",
        f"hub = {_text(answers.hub)}{allowance}",
        f"name = {_text(answers.fleet)}",
    ]


def _text(value: str) -> str:
    return tomlkit.item(value).as_string()
