from __future__ import annotations

import pytest

from breakerd.breaker.integrations._route_filter import DEFAULT_EXCLUDED, RouteFilter


def test_paths_are_exact_or_begin_so() -> None:
    routes = RouteFilter(("/healthz", "/static/*", "/"))
    for path in ("/healthz", "/static/", "/static/a/b.css", "/"):
        assert path in routes
    for path in ("/healthz/", "/healthzz", "/static", "/other"):
        assert path not in routes


def test_one_path_may_stand_alone() -> None:
    assert "/healthz" in RouteFilter("/healthz")
    assert "/other" not in RouteFilter("/healthz")


def test_nothing_excluded() -> None:
    assert "/healthz" not in RouteFilter(())


def test_the_admin_plane_can_be_reached_while_all_is_rejected() -> None:
    for path in ("/breaker/enabled", "/breakers", "/breakers/payments/reset", "/healthz"):
        assert path in RouteFilter(DEFAULT_EXCLUDED)


@pytest.mark.parametrize("path", ["healthz", "", "/a*b", "/*/c"])
def test_a_path_that_can_never_be_met_is_refused(path: str) -> None:
    with pytest.raises(ValueError, match=r"allowed: a path such as '/healthz'"):
        RouteFilter(("/ok", path))
