"""Matchers of the file that can match nothing are warned of."""

from __future__ import annotations

from pathlib import Path

import pytest

from breakerd.alerts.content.labels import alert_tags
from breakerd.alerts.model.matchers import AUTOMATIC_TAGS
from breakerd.alerts.settings.alerting import read_settings
from breakerd.alerts.settings.opsgenie import OpsGenieSettings
from breakerd.alerts.settings.service_identity import ServiceIdentity
from breakerd.breaker.config import parse_document, read_document

FILE = """\
[breakers.payments]
[opsgenie]
tags = ["Zone:a"]
[alerts.maintenance.nightly]
begins = "02:00"
ends = "04:00"
matchers = ["{matcher}"]
[alerts.inhibition.database]
source = ["breaker=database"]
target = [
    "breaker=orders",
    "{target}",
]
equal = ["{equal}"]
"""


def warned(folder: Path, **parts: str) -> list[str]:
    """The warnings of the file, each from its line on."""
    path = folder / "b.toml"
    texts = {"matcher": "breaker=pay*", "target": "kind=open", "equal": "Host"} | parts
    path.write_text(FILE.format(**texts))
    settings = read_settings(read_document(path), {})
    return [str(warning).removeprefix(f"{path}:") for warning in settings.warnings]


def test_a_file_without_mistakes(tmp_path: Path) -> None:
    assert warned(tmp_path, matcher="Zone=a", target="Team!=core", equal="Environment") == []


@pytest.mark.parametrize(
    ("part", "value", "at", "doubt"),
    [
        ("matcher", "braeker=pay*", "7: alerts.maintenance.nightly.matchers.0",
         "no alert has a label 'braeker' (did you mean 'breaker'?)"),
        ("matcher", "breaker=paymnts|cart", "7: alerts.maintenance.nightly.matchers.0",
         "no breaker is named 'paymnts' (did you mean 'payments'?)"),
        ("target", "zone=a", "12: alerts.inhibition.database.target.1",
         "no alert has a label 'zone' (did you mean 'Zone'?)"),
        ("equal", "Hosts", "14: alerts.inhibition.database.equal.0",
         "no alert has a label 'Hosts' (did you mean 'Host'?)"),
    ],
)  # fmt: skip
def test_what_can_match_nothing(tmp_path: Path, part: str, value: str, at: str, doubt: str) -> None:
    expected = f'{at}: found "{value}"; taken as it stands, but {doubt}'
    assert warned(tmp_path, **{part: value}) == [expected]


def test_the_automatic_tags_are_all_known() -> None:
    settings = OpsGenieSettings(api_name="shop", service_tier="1", additional_context="x")
    identity = ServiceIdentity("team", "prod", "b1", "box", "internal")
    tags = alert_tags("payments", "open", settings, identity, drill=True)
    assert {tag.partition(":")[0] for tag in tags} == set(AUTOMATIC_TAGS)


def test_so_many_names_that_comparing_them_takes_long_are_not_compared() -> None:
    breakers = "".join(f"[breakers.payments{number}]\n" for number in range(3000))
    windows = "".join(
        f'[alerts.maintenance.w{number}]\nmatchers = ["breaker=paymnts{number}"]\n'
        'begins = "01:00"\nends = "02:00"\n'
        for number in range(10)
    )
    document = parse_document(Path("f.toml"), windows + breakers)
    assert read_settings(document).warnings == ()
    few = parse_document(Path("f.toml"), windows + "[breakers.payments1]\n")
    assert len(read_settings(few).warnings) == 10
