"""The plugin in runs of pytest of their own, as users have them."""

from __future__ import annotations

from importlib.metadata import entry_points

import pytest

from tests.support.fresh_interpreter import loaded

APPLICATION = """
    from breakerd import Breaker, Settings

    payments = Breaker(Settings(error_threshold=0.5), name="payments")

    @payments
    def charge(amount):
        return amount
"""
TESTS = """
    import pytest
    from app import charge, payments
    from breakerd import BreakerOpenError

    @pytest.mark.parametrize("seconds", [1, 9])
    def test_waits(breakers, seconds):
        breakers["payments"].open()
        breakers.advance(seconds)
        with pytest.raises(BreakerOpenError):
            charge(1)

    async def test_in_a_coroutine(breakers):
        breakers["payments"].assert_state("CLOSED")
        breakers["payments"].open()

    class TestInAClass:
        def test_closed(self, breakers):
            assert charge(1) == 1
            breakers["payments"].assert_calls(success=1)

    def test_without_it():
        assert payments.state == "CLOSED"
"""


@pytest.fixture
def project(pytester: pytest.Pytester) -> pytest.Pytester:
    pytester.makepyprojecttoml("""
        [tool.pytest.ini_options]
        pythonpath = ["."]
        filterwarnings = ["error"]
        asyncio_mode = "auto"
        asyncio_default_fixture_loop_scope = "function"
    """)
    pytester.makepyfile(app=APPLICATION, test_app=TESTS)
    return pytester


def test_it_is_registered_by_its_name() -> None:
    (found,) = (each for each in entry_points(group="pytest11") if each.name == "breakerd")
    assert found.value == "breakerd.pytest_plugin"


@pytest.mark.parametrize("options", [(), ("-n", "2"), ("-p", "no:randomly")], ids=str)
def test_breakers_are_fresh_in_each_test(
    project: pytest.Pytester, options: tuple[str, ...]
) -> None:
    project.runpytest_subprocess(*options).assert_outcomes(passed=5)


def test_a_failure_shows_the_test_and_what_happened(project: pytest.Pytester) -> None:
    project.makepyfile(
        test_app="""
        import app

        def test_it(breakers):
            breakers["payments"].open()
            breakers["payments"].assert_state("CLOSED")
    """
    )
    run = project.runpytest_subprocess()
    run.assert_outcomes(failed=1)
    run.stdout.fnmatch_lines(
        [
            ">*.assert_state(*CLOSED*)",
            "E*AssertionError: breaker 'payments' is OPEN, not CLOSED",
            "E*+0 s  Transition CLOSED -> OPEN (manual)",
            "test_app.py:5: AssertionError",
        ]
    )


def test_it_can_be_left_out(project: pytest.Pytester) -> None:
    run = project.runpytest_subprocess("-p", "no:breakerd")
    run.assert_outcomes(passed=1, errors=4)
    run.stdout.fnmatch_lines(["*fixture 'breakers' not found*"])


def test_it_can_be_named_where_plugins_are_not_found(
    project: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    (project.path / "pyproject.toml").unlink()
    project.makepyfile(test_app="import app\ndef test_it(breakers): breakers['payments'].open()")
    project.runpytest_subprocess("-p", "breakerd.pytest_plugin").assert_outcomes(passed=1)


def test_a_fixture_of_that_name_in_a_project_wins(project: pytest.Pytester) -> None:
    project.makeconftest("import pytest\n@pytest.fixture\ndef breakers(): return 'mine'")
    project.makepyfile(test_app="def test_it(breakers): assert breakers == 'mine'")
    project.runpytest_subprocess().assert_outcomes(passed=1)


def test_it_loads_nothing_before_a_test_asks() -> None:
    modules = loaded("import breakerd.pytest_plugin", since="import pytest")
    assert {name for name in modules if name.startswith("breakerd")} == {
        "breakerd",
        "breakerd.pytest_plugin",
    }


def test_coverage_of_a_project_sees_its_own_imports(project: pytest.Pytester) -> None:
    run = project.runpytest_subprocess("--cov=app", "--cov-report=term-missing")
    run.assert_outcomes(passed=5)
    run.stdout.re_match_lines([r"app\.py +5 +0 +100%"])
