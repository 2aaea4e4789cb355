"""Questions of `breakerd init`, in their order, each with the option that answers it."""

import re
from dataclasses import dataclass

from breakerd.api.cli.commands.setup import answers as checks
from breakerd.api.cli.commands.setup.answers import (
    BY_LEVEL,
    BY_THRESHOLD,
    NO_RECEIVER,
    OPSGENIE,
    SECRET_OF,
    Answers,
    variable_of,
)
from breakerd.api.cli.commands.setup.questions import Questions
from breakerd.api.cli.output import USAGE_ERROR, fail
from breakerd.breaker.fleet.settings.hub_address import FILE, parse_hub

_PAGES_A_TEAM = frozenset({OPSGENIE, "jsm"})
"""Receivers that need the team's name to page anybody."""


@dataclass(frozen=True, slots=True)
class Options:
    """Options of the command as they were given; None for those that were left out."""

    service: str | None = None
    breakers: str | None = None
    slo: str | None = None
    latency_threshold: str | None = None
    receiver: str | None = None
    key_file: str | None = None
    team: str | None = None
    environment: str | None = None
    region: str | None = None
    public_url: str | None = None
    fleet: str | None = None
    fleet_name: str | None = None


def interview(given: Options, *, asks: bool, folder: str) -> Answers:
    """Return all answers: options as given, else what a person says, else defaults.

    Args:
        given: the options.
        asks: True if a person is there to be asked.
        folder: name of the folder, from which the name of the service is taken.
    """
    ask = Questions(asks=asks)
    name = re.sub(r"[^A-Za-z0-9._-]+", "-", folder).strip("-._") or "service"
    service = ask.get("--service", given.service, "Service", checks.service_name, name)
    question = "Dependencies to protect, with commas (none: those that the program asks for)"
    breakers = ask.get("--breakers", given.breakers, question, checks.breaker_names, "")
    slo, threshold = _judging(ask, given)
    receiver, secret_file, team, environment, region = _paging(ask, given)
    question = "Address at which people reach breakerd's pages, for links in alerts (none)"
    url = ask.get("--public-url", given.public_url, question, checks.public_url, "")
    hub, fleet = _fleet(ask, given, f"{service}-{environment}".lower())
    return Answers(
        service=service,
        breakers=breakers,
        slo=slo,
        latency_threshold=threshold,
        receiver=receiver,
        secret_file=secret_file,
        team=team,
        environment=environment,
        region=region,
        public_url=url,
        hub=hub,
        fleet=fleet,
    )


def _judging(ask: Questions, given: Options) -> tuple[tuple[float, float] | None, float | None]:
    """Return a service level, or else a latency threshold."""
    if given.slo is not None and given.latency_threshold is not None:
        fail("--slo or --latency-threshold: give one of them", USAGE_ERROR)
    stated = BY_LEVEL if given.slo is not None else None
    stated = BY_THRESHOLD if given.latency_threshold is not None else stated
    question = f"Judge calls by a service {BY_LEVEL}, or by a latency {BY_THRESHOLD}"
    by = ask.get("--slo", stated, question, checks.judged_by, BY_LEVEL)
    if by == BY_LEVEL:
        question = "Share of calls that should succeed, and in how many seconds"
        return ask.get("--slo", given.slo, question, checks.service_level, "0.95,2"), None
    question = "Latency above which it opens (ms, 95th percentile)"
    option = "--latency-threshold"
    check = checks.latency_threshold
    return None, ask.get(option, given.latency_threshold, question, check, "1500")


def _paging(ask: Questions, given: Options) -> tuple[str, str, str, str, str]:
    """Return receiver, file of its secret, team, environment and region."""
    kinds = ", ".join([NO_RECEIVER, *SECRET_OF])
    question = f"Who gets alerts ({kinds})"
    kind = ask.get("--receiver", given.receiver, question, checks.receiver, NO_RECEIVER)
    if kind == NO_RECEIVER and given.key_file:
        fail("--key-file is of no use without --receiver", USAGE_ERROR)
    needs_team = kind in _PAGES_A_TEAM
    team = ""
    if needs_team or given.team is not None:
        team = ask.get("--team", given.team, "Team that is paged", checks.team)
    question = "Environment of the service"
    environment = ask.get("--environment", given.environment, question, checks.environment, "PROD")
    region = "us"
    if kind == OPSGENIE or given.region is not None:
        question = "Region of the account (us, eu)"
        region = ask.get("--region", given.region, question, checks.region, region)
    secret_file = ""
    if kind != NO_RECEIVER:
        question = f"File with its {SECRET_OF[kind]} (none: {variable_of(kind)} holds it)"
        secret_file = ask.get("--key-file", given.key_file, question, checks.secret_file, "")
    return kind, secret_file, team, environment, region


def _fleet(ask: Questions, given: Options, default: str) -> tuple[str, str]:
    """Return the hub, and the name of the fleet where one is needed."""
    question = "Where the processes meet: file (one host), none, or rediss://HOST"
    hub = ask.get("--fleet", given.fleet, question, checks.hub, FILE)
    if not parse_hub(hub).remote:
        return hub, ""
    question = "Name of the fleet: one service in one environment"
    return hub, ask.get("--fleet-name", given.fleet_name, question, checks.fleet_name, default)
