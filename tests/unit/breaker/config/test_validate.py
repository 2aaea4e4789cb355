from __future__ import annotations

from pathlib import Path
from typing import Literal

import pytest
from pydantic import SecretStr, field_validator

from breakerd.breaker.config import parse_document, validate
from breakerd.breaker.config.validate import describe_allowed
from breakerd.breaker.errors import ConfigError, ConfigProblem
from breakerd.breaker.settings import RecoverySettings, Settings, SettingsModel, setting


class Inner(SettingsModel):
    depth: int = setting(1, "How deep.", ge=0)


class Model(SettingsModel):
    needed: int = setting(..., "It must be there.", unit="s", ge=1)
    secret: SecretStr | None = setting(None, "A key.", strict=False, min_length=20)
    kind: Literal["a", "b"] = setting("a", "Which.")
    names: tuple[str, ...] = setting((), "Names.", strict=False)
    inner: dict[str, Inner] = setting({}, "By name.")
    even: int = setting(0, "An even number.")

    @field_validator("even")
    @classmethod
    def _is_even(cls, value: int) -> int:
        if value % 2:
            raise ValueError("an even number")
        return value


def problems_of(model: type[SettingsModel], text: str) -> list[ConfigProblem]:
    document = parse_document(Path("f.toml"), text)
    with pytest.raises(ConfigError) as caught:
        validate(model, document.data, document=document)
    return list(caught.value.problems)


def test_good_data_becomes_the_model() -> None:
    settings = validate(Settings, {"latency_threshold": 600, "recovery": {"ramp": [0.5]}})
    assert settings.latency_threshold == 600
    assert settings.recovery == RecoverySettings(ramp=(0.5,))


def test_everything_wrong_is_told_at_once_in_the_order_of_the_file() -> None:
    problems = problems_of(
        Settings,
        "percentile = 95\n"
        'wait_time = "10"\n'
        "latency_window_size = 64.0\n"
        "wait_tme = 10\n"
        "trend_analysis_enabled = 1\n"
        "latency_threshold = nan\n"
        "recovery.ramp = [\n  0.1,\n  1.5,\n]\n"
        "[recovery.step_time]\n",
    )
    assert [str(problem) for problem in problems] == [
        "f.toml:1: percentile: found 95; allowed: a number > 0, < 1 (fraction)",
        'f.toml:2: wait_time: found "10"; allowed: a number ≥ 1, ≤ 3600 (s)',
        "f.toml:3: latency_window_size: found 64.0; allowed: a whole number ≥ 1, ≤ 65536 (calls)",
        "f.toml:4: wait_tme: found unknown key 'wait_tme'; allowed: did you mean 'wait_time'?",
        "f.toml:5: trend_analysis_enabled: found 1; allowed: true or false",
        "f.toml:6: latency_threshold: found nan; allowed: a number ≥ 5, ≤ 86400000 (ms)",
        "f.toml:9: recovery.ramp.1: found 1.5; allowed: a number > 0, < 1",
        "f.toml:11: recovery.step_time: found a table; allowed: a number > 0, ≤ 3600 (s)",
    ]


def test_an_unknown_key_that_is_like_no_other_is_told_what_there_is() -> None:
    (problem,) = problems_of(RecoverySettings, "zzz = 1")
    assert problem.allowed == "known keys: max_wait_time, probe_timeout, probes, ramp, step_time"


def test_what_is_missing_is_told_as_nothing() -> None:
    (problem,) = problems_of(Model, "")
    assert (problem.key, problem.found) == ("needed", "nothing")
    assert problem.allowed == "a whole number ≥ 1 (s)"


def test_a_secret_is_not_shown_whatever_is_wrong_with_it() -> None:
    problems = problems_of(Model, 'needed = 1\nsecret = ["hunter2"]')
    problems += problems_of(Model, 'needed = 1\nsecret = "hunter2"')
    assert len(problems) == 2
    assert all("hunter2" not in str(problem) for problem in problems)
    assert problems[0].found == "a list that is not shown"


def test_what_a_validator_says_is_what_is_allowed() -> None:
    (problem,) = problems_of(Model, "needed = 1\neven = 3")
    assert (problem.found, problem.allowed) == ("3", "an even number")


def test_tables_by_name_and_lists_are_looked_into() -> None:
    problems = problems_of(
        Model, "needed = 1\nnames = [\n'a',\n1]\n[inner.x]\ndepth = -1\n[inner.y]\ndept = 1\n"
    )
    assert [(p.line, p.key, p.allowed) for p in problems] == [
        (4, "names.1", "text"),
        (6, "inner.x.depth", "a whole number ≥ 0"),
        (8, "inner.y.dept", "did you mean 'depth'?"),
    ]


def test_data_without_a_file_is_told_by_the_name_of_its_source() -> None:
    with pytest.raises(ConfigError) as caught:
        validate(Settings, {"percentile": None}, where="request", prefix=("breakers", "a"))
    assert str(caught.value).startswith("request: breakers.a.percentile: found null; allowed")


def test_a_choice_is_told_in_full() -> None:
    (problem,) = problems_of(Model, "needed = 1\nkind = 'c'")
    assert problem.allowed == 'one of "a", "b"'


def test_a_union_is_told_by_its_branches() -> None:
    assert describe_allowed(Settings, ("error_threshold",)) == "a number > 0, ≤ 1 (fraction)"
    assert describe_allowed(Model, ("secret",)) == "text of at least 20 characters"
    assert describe_allowed(Settings, ("recovery",)).startswith("a table")


def test_of_many_problems_the_first_are_told() -> None:
    document = parse_document(Path("f.toml"), "".join(f"k{n} = 1\n" for n in range(300)))
    with pytest.raises(ConfigError) as caught:
        validate(Settings, document.data, document=document)
    assert [problem.line for problem in caught.value.problems] == list(range(1, 101))


@pytest.mark.parametrize("name", ["a]", "]", "list[str]", "[key]"])
def test_a_key_that_looks_like_a_mark_of_pydantic_has_its_place(name: str) -> None:
    document = parse_document(Path("f.toml"), f"wait_time = 1\n'{name}' = 1\n")
    with pytest.raises(ConfigError) as caught:
        validate(Settings, document.data, document=document)
    (problem,) = caught.value.problems
    assert problem.line == 2
    assert problem.found.startswith("unknown key")


def test_a_key_of_any_length_is_told_soon() -> None:
    with pytest.raises(ConfigError, match="unknown key"):
        validate(Settings, {"wait_time" * 100_000: 1})
