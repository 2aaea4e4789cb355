from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import BaseModel, ValidationError

from breakerd import ConfigError, ConfigProblem, LimiterSettings, LoadSettings, Settings, Slo
from breakerd.breaker.config import BreakerSections, parse_document, read_sections, validate
from breakerd.breaker.config.merge import merge
from breakerd.breaker.config.sections import own_data, root_data


def sections_of(text: str) -> BreakerSections:
    return read_sections(parse_document(Path("f.toml"), text))


def problems_of(text: str) -> list[ConfigProblem]:
    with pytest.raises(ConfigError) as caught:
        sections_of(text)
    return list(caught.value.problems)


def test_an_empty_file_is_the_defaults() -> None:
    assert sections_of("") == BreakerSections(Settings(), {})


def test_the_older_spelling_of_the_root_counts_and_may_be_mixed_with_it() -> None:
    sections = sections_of("percentile = 0.9\n[circuit_breaker]\nwait_time = 20\n")
    assert sections.root == Settings(percentile=0.9, wait_time=20)


def test_the_same_key_in_both_spellings_is_an_error() -> None:
    (problem,) = problems_of("wait_time = 20\n[circuit_breaker]\nwait_time = 20\n")
    assert (problem.line, problem.key) == (3, "circuit_breaker.wait_time")
    assert problem.found == "the same key twice"


def test_a_wrong_value_in_the_older_spelling_is_told_where_it_stands() -> None:
    problems = problems_of("[circuit_breaker]\npercentile = 950\nwait_tme = 3\n")
    assert [(p.line, p.key) for p in problems] == [
        (2, "circuit_breaker.percentile"),
        (3, "circuit_breaker.wait_tme"),
    ]


def test_a_named_breaker_is_the_root_but_for_what_it_says_itself() -> None:
    sections = sections_of(
        "latency_threshold = 900\n[recovery]\nprobes = 7\nstep_time = 2\n"
        "[breakers.payments]\nwait_time = 20\n[breakers.payments.recovery]\nprobes = 1\n"
        '[breakers."eu.search"]\n'
    )
    payments = sections.named["payments"]
    assert (payments.latency_threshold, payments.wait_time) == (900, 20)
    assert (payments.recovery.probes, payments.recovery.step_time) == (1, 2)
    assert sections.named["eu.search"] == sections.root


def test_a_service_level_of_a_named_breaker_is_completed_by_the_root() -> None:
    own = "[breakers.x.slo]\nsuccess_rate = 0.99\n"
    sections = sections_of(f"[slo]\nsuccess_rate = 0.9\ntimeout = 1\n{own}")
    assert sections.named["x"].slo == Slo(success_rate=0.99, timeout=1)
    (problem,) = problems_of(own)
    assert (problem.line, problem.key) == (1, "breakers.x.slo.timeout")
    assert (problem.found, problem.allowed) == ("nothing", "a number > 0, ≤ 3600 (s)")


def test_rejecting_for_load_needs_a_threshold_in_either_table() -> None:
    (problem,) = problems_of("[breakers.x.load]\nreject = true\n")
    assert (problem.line, problem.key, problem.found) == (2, "breakers.x.load.reject", "true")
    assert problem.allowed.startswith("false, or true beside one of cpu_pressure_threshold, ")
    (problem,) = problems_of("[load]\nreject = true\n[breakers.x]\n")
    assert (problem.line, problem.key) == (2, "load.reject")
    sections = sections_of("[load]\nload_threshold = 2\n[breakers.x.load]\nreject = true\n")
    assert sections.named["x"].load.reject
    with pytest.raises(ValidationError, match=r"load\.reject: false, or true beside one of"):
        Settings(load=LoadSettings(reject=True))


def test_the_limits_of_the_limiter_fit_each_other_in_both_tables() -> None:
    (problem,) = problems_of("[limiter]\nmax_limit = 3\n[breakers.x.limiter]\nmin_limit = 4\n")
    assert (problem.line, problem.key) == (3, "breakers.x.limiter.max_limit")
    assert (problem.found, problem.allowed) == (
        "3",
        "a whole number ≥ `min_limit`, which is 4 (calls)",
    )
    assert len(problems_of("[limiter]\nmin_limit = 4\nmax_limit = 3\n[breakers.x]\n")) == 1
    with pytest.raises(ValidationError, match=r"limiter\.max_limit: a whole number ≥ `min_limit`"):
        Settings(limiter=LimiterSettings(min_limit=2, max_limit=1))


def test_a_ramp_does_not_fall() -> None:
    (problem,) = problems_of("[recovery]\nramp = [0.1, 0.5, 0.4]\n")
    assert (problem.key, problem.found) == ("recovery.ramp", "[0.1, 0.5, 0.4]")
    assert problem.allowed == "shares that do not fall, each > 0, < 1 (fraction)"
    assert sections_of("[recovery]\nramp = [0.5, 0.5]\n").root.recovery.ramp == (0.5, 0.5)


def test_merged_settings_are_those_of_merged_tables() -> None:
    text = (
        "wait_time = 20\n[slo]\nsuccess_rate = 0.9\ntimeout = 1\nwarmup = 5\n"
        "[breakers.x]\nlatency_threshold = 1500\nerror_threshold = 0.5\n"
        "[breakers.x.slo]\nsuccess_rate = 0.99\ntimeout = 2\n[breakers.x.limiter]\nenabled = true\n"
    )
    document = parse_document(Path("f.toml"), text)
    merged = validate(Settings, merge(root_data(document), own_data(document, "x")))
    found = read_sections(document).named["x"]
    assert found == merged
    assert found.model_fields_set == merged.model_fields_set
    assert found.slo is not None
    assert found.slo.warmup == 5
    assert not found.recovers_adaptively


def test_no_table_of_a_breaker_compares_settings() -> None:
    """Merging without validating again relies on it; the whole looks for contradictions."""
    models: list[type[BaseModel]] = [Settings]
    for model in models:
        if model is not Settings:
            assert not model.__pydantic_decorators__.model_validators
        assert not model.__pydantic_decorators__.root_validators
        models += [
            type(default)
            for field in model.model_fields.values()
            if isinstance(default := field.default, BaseModel)
        ]
    assert not Slo.__pydantic_decorators__.model_validators


def test_wrong_values_everywhere_are_told_together_each_on_its_line() -> None:
    problems = problems_of(
        "percentile = 950\n[breakers.a]\nwait_time = 0\n[breakers.b.recovery]\nprobes = 0\n"
        "[breakers.'no way']\n[circuit_breaker]\nmemory_threshold = 101\n"
    )
    assert [(p.line, p.key) for p in problems] == [
        (1, "percentile"),
        (3, "breakers.a.wait_time"),
        (5, "breakers.b.recovery.probes"),
        (6, "breakers.no way"),
        (8, "circuit_breaker.memory_threshold"),
    ]


def test_a_wrong_value_at_the_root_is_not_told_again_for_each_breaker() -> None:
    assert len(problems_of("percentile = 950\n[breakers.a]\n[breakers.b]\n")) == 1


@pytest.mark.parametrize(
    ("text", "allowed"),
    [
        ("breakers = 1", "tables [breakers.NAME]"),
        ("[breakers]\na = 1", "a table [breakers.NAME]"),
        ("circuit_breaker = 1", "a table of settings"),
    ],
)
def test_a_section_must_be_a_table(text: str, allowed: str) -> None:
    (problem,) = problems_of(text)
    assert problem.found == "1"
    assert problem.allowed == allowed


def test_sections_of_other_packages_are_left_alone() -> None:
    text = "[opsgenie]\nnonsense = 1\n[alerts]\nx = 2\n[api]\n[fleet]\n"
    assert sections_of(text).root == Settings()


def test_an_unknown_section_is_told_what_it_may_have_meant() -> None:
    (problem,) = problems_of("[opsgeni]\nenabled = true\n")
    assert problem.allowed == "did you mean 'opsgenie'?"


@pytest.mark.parametrize("name", ["", "x" * 101, "ü", "a b", "a/b"])
def test_names_that_do_not_fit_into_paths_are_refused(name: str) -> None:
    (problem,) = problems_of(f'[breakers."{name}"]\n')
    assert problem.allowed.startswith("1 to 100 ASCII")


GO_BREAKER = """\
# Core Circuit Breaker Settings
memory_threshold = 80.0              # %
latency_threshold = 1500             # ms
latency_window_size = 64
percentile = 0.95
wait_time = 10                       # s

trend_analysis_enabled = true
trend_analysis_min_sample_count = 10

[opsgenie]
enabled = true
tags = [
    "Environment:production",
    "Team:platform"
]
"""


def test_a_file_of_go_breaker_loads_unchanged() -> None:
    assert sections_of(GO_BREAKER).root == Settings(trend_analysis_enabled=True)


@pytest.mark.parametrize("spelling", ["80", "80.0", "8e1"])
def test_a_percentage_may_be_whole_or_not(spelling: str) -> None:
    assert sections_of(f"memory_threshold = {spelling}").root.memory_threshold == 80


@pytest.mark.parametrize(
    "line",
    [
        "[breakers.a{}]\nwait_time = -1\n",
        "[breakers.'a{}/']\n\n",
    ],
)
def test_of_very_many_wrong_breakers_the_first_are_told(line: str) -> None:
    problems = problems_of("".join(line.format(number) for number in range(500)))
    assert len(problems) == 100
    assert max(problem.line for problem in problems) <= 200


@pytest.mark.parametrize("text", [f"{'k' * 200} = 1", "'a b/c' = 1"])
def test_what_is_wrong_in_the_older_spelling_has_its_line_whatever_its_name(text: str) -> None:
    (problem,) = problems_of(f"[circuit_breaker]\nwait_time = 1\n{text}\n")
    assert problem.line == 3
