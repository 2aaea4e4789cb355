"""Candidates in the file: where they stand, what they take over, what is wrong with one."""

from __future__ import annotations

from pathlib import Path

import pytest

from breakerd import ConfigError, Registry
from breakerd.breaker.config import parse_document, read_sections
from breakerd.breaker.config.sections import BreakerSections
from breakerd.breaker.shadow.identity import differences, digest_of


def read(text: str) -> BreakerSections:
    return read_sections(parse_document(Path("breakers.toml"), text))


def test_what_a_candidate_leaves_out_is_as_in_force() -> None:
    sections = read(
        "wait_time = 7\n[slo]\nsuccess_rate = 0.9\ntimeout = 2.0\n"
        "[breakers.pay]\nlatency_threshold = 800\n"
        "[breakers.pay.candidate]\nlatency_threshold = 300\n"
        "[breakers.pay.candidate.slo]\ntimeout = 1.0\n"
    )
    tried = sections.named["pay"].with_candidate()
    assert tried is not None
    assert (tried.latency_threshold, tried.wait_time) == (300, 7)
    assert tried.slo is not None
    assert (tried.slo.success_rate, tried.slo.timeout) == (0.9, 1.0)
    assert tried.candidate is None
    assert differences(sections.named["pay"]) == {
        "latency_threshold": (800.0, 300.0),
        "slo.timeout": (2.0, 1.0),
    }


def test_the_roots_candidate_is_of_the_default_breaker_alone(tmp_path: Path) -> None:
    file = tmp_path / "breakers.toml"
    file.write_text("[candidate]\nwait_time = 3\n[breakers.pay]\nwait_time = 4\n")
    with Registry.from_file(file, watch=False) as registry:
        assert registry.get().settings.candidate is not None
        assert registry.get("pay").settings.candidate is None
        assert registry.get("other").settings.candidate is None


@pytest.mark.parametrize(
    ("text", "line", "key", "found"),
    [
        ("[breakers.pay.candidate]\nwait_time = 0", 2, "breakers.pay.candidate.wait_time", "0"),
        ("[candidate]\nwait = 3", 2, "candidate.wait", "unknown key 'wait'"),
        (
            "[breakers.pay.candidate.candidate]\nwait_time = 3",
            1,
            "breakers.pay.candidate.candidate",
            "unknown key 'candidate'",
        ),
        (
            "[breakers.pay.candidate.limiter]\nmin_limit = 5\nmax_limit = 3",
            3,
            "breakers.pay.candidate.limiter.max_limit",
            "3",
        ),
        ("[candidate]\nwait_time = 3\n[breakers.default]\n", 1, "candidate", "a table"),
        ("candidate = 3", 1, "candidate", "3"),
    ],
)
def test_what_is_wrong_is_told_with_its_line(text: str, line: int, key: str, found: str) -> None:
    with pytest.raises(ConfigError) as error:
        read(text)
    problem = error.value.problems[0]
    assert (problem.line, problem.key, problem.found) == (line, key, found)


def test_a_comparison_is_of_the_settings_on_both_sides() -> None:
    one = read("[breakers.pay]\nwait_time = 5\n[breakers.pay.candidate]\nwait_time = 3").named[
        "pay"
    ]
    same = read("[breakers.pay]\ncandidate.wait_time = 3.0\nwait_time = 5.0").named["pay"]
    other = read("[breakers.pay]\nwait_time = 6\n[breakers.pay.candidate]\nwait_time = 3").named
    assert digest_of(one) == digest_of(same) != digest_of(other["pay"])
    assert digest_of(one.without_candidate()) == ""
    assert differences(one.without_candidate()) == {}
