"""Requests that a page of another site has made a browser send; those of the own dashboard."""

from __future__ import annotations

import pytest

from breakerd import Registry
from breakerd.api.app import create_app
from tests.support.admin_client import Client

LINK = {"sec-fetch-mode": "navigate", "sec-fetch-dest": "document"}
FRAME = {"sec-fetch-mode": "navigate", "sec-fetch-dest": "iframe"}
IMAGE = {"sec-fetch-mode": "no-cors", "sec-fetch-dest": "image"}
FETCH = {"sec-fetch-mode": "cors", "sec-fetch-dest": "empty"}


@pytest.mark.parametrize(
    ("method", "site", "how", "status"),
    [
        ("GET", "same-origin", FETCH, 200),
        ("GET", "none", LINK, 200),
        ("GET", "cross-site", LINK, 200),
        ("GET", "cross-site", FRAME, 403),
        ("GET", "cross-site", IMAGE, 403),
        ("GET", "same-site", IMAGE, 403),
        ("GET", "cross-site", FETCH, 403),
        ("POST", "same-origin", FETCH, 200),
        ("POST", "cross-site", LINK, 403),
        ("POST", "same-site", LINK, 403),
        ("POST", "cross-site", FETCH, 403),
    ],
)
def test_a_browser_tells_whose_page_it_is(
    unfiled: Registry, method: str, site: str, how: dict[str, str], status: int
) -> None:
    headers = {"sec-fetch-site": site, **how}
    client = Client(create_app(unfiled))
    assert client.request(method, "/breaker/enabled", headers=headers).status_code == status
