"""Find out which product a key or an address belongs to: OpsGenie, or Jira Service Management.

A key of one product at the address of the other gets a 401 or a 404 that names neither. The same
harmless requests at the other product show whether it knows the key. They go to Atlassian's public
addresses and to the configured one only.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Final, Literal
from uuid import UUID

import httpx

from breakerd.alerts.receivers.base import UnavailableError
from breakerd.alerts.receivers.http import HttpClient, error_text
from breakerd.alerts.receivers.jsm import ADDRESS
from breakerd.alerts.receivers.opsgenie import ADDRESSES

COUNT: Final = "/v2/alerts/count"
"""Harmless request to OpsGenie, permitted to every key that may read."""
UNKNOWN_REQUEST: Final = f"/jsm/ops/integration/v2/alerts/requests/{UUID(int=0)}"
"""Status of a request that was never sent: with a valid key JSM answers 404, else 401 or 403."""

_KNOWN: Final[dict[int, int]] = {HTTPStatus.OK: 2, HTTPStatus.FORBIDDEN: 1}
"""Certainty that OpsGenie knows the key, by status; 0 for all others."""

Product = Literal["opsgenie", "jsm", ""]


@dataclass(frozen=True, slots=True)
class Addresses:
    """Public addresses of both products.

    Attributes:
        opsgenie: addresses of OpsGenie by region.
        jsm: address of Jira Service Management.
    """

    opsgenie: Mapping[str, str] = field(default_factory=lambda: ADDRESSES)
    jsm: str = ADDRESS

    def product_of(self, url: str) -> Product:
        """Return the product with that public address; empty if it is neither's."""
        plain = url.rstrip("/")
        if plain == self.jsm.rstrip("/"):
            return "jsm"
        return "opsgenie" if plain in map(_plain, self.opsgenie.values()) else ""

    def may_probe(self, api_url: str | None) -> bool:
        """True if a key for `api_url` may be shown to the public addresses."""
        return not api_url or bool(self.product_of(api_url))


def certainty(response: httpx.Response) -> int:
    """Return how certain it is that OpsGenie knows the key: 0, 1 (it may not read), or 2."""
    return _KNOWN.get(response.status_code, 0)


def region_of(client: HttpClient, addresses: Addresses, above: int = 0, besides: str = "") -> str:
    """Return a region of OpsGenie that knows the key of `client`; empty if none does.

    Args:
        client: sends the key as `GenieKey`.
        addresses: addresses to ask.
        above: certainty that is not enough.
        besides: region that is not asked.
    """
    for region, address in addresses.opsgenie.items():
        if region != besides and knows_opsgenie_key(client, address) > above:
            return region
    return ""


def knows_opsgenie_key(client: HttpClient, address: str) -> int:
    """Return the certainty that `address` is OpsGenie and knows the key of `client`."""
    response = _ask(client, _plain(address) + COUNT)
    return certainty(response) if response is not None else 0


def knows_integration_key(client: HttpClient, address: str) -> bool:
    """True if `address`, which is Jira Service Management, knows the key of `client`."""
    response = _ask(client, _plain(address) + UNKNOWN_REQUEST)
    return response is not None and is_known_integration(response)


def is_known_integration(response: httpx.Response) -> bool:
    """True if the response to `UNKNOWN_REQUEST` shows that the integration's key is known."""
    return response.status_code == HTTPStatus.NOT_FOUND or response.is_success


def reason(response: httpx.Response) -> str:
    """Return status and text of an error."""
    return f"{response.status_code}: {error_text(response)}"


def _ask(client: HttpClient, url: str) -> httpx.Response | None:
    try:
        return client.request_raw("GET", url)
    except UnavailableError:
        return None


def _plain(address: str) -> str:
    return address.rstrip("/")
