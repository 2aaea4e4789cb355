"""Refuse requests that a page of another site has made a browser send."""

from typing import Final
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.requests import HTTPConnection

from breakerd.api.problems import Problem

_DEFAULT_PORTS: Final = {"http": 80, "https": 443}
_OWN_SITES: Final = frozenset({"same-origin", "none"})
"""Values of Sec-Fetch-Site for this origin's pages, and for what a person has typed."""


def refuse_foreign_site(request: HTTPConnection, *, reads: bool) -> None:
    """Do nothing if no page of another site has sent the request.

    Args:
        request: the request.
        reads: the request changes nothing. Such a one may follow a link from another site, which
            cannot see the answer.

    Raises:
        Problem: 403 for an `Origin` other than this host, and for a `Sec-Fetch-Site` that names
            another origin.
    """
    headers = request.headers
    origin = headers.get("origin")
    if origin is not None and not _is_this_host(origin, headers.get("host", "")):
        host = headers.get("host", "")
        raise Problem(403, f"Cross-origin request: Origin is {origin}, Host is {host}.")
    site = headers.get("sec-fetch-site", "none")
    if site not in _OWN_SITES and not (reads and _follows_link(headers)):
        raise Problem(403, f"Cross-origin request: Sec-Fetch-Site is {site}.")


def host_and_port(url: str) -> tuple[str, int] | None:
    """Return host and port of a URL; None if it has none or is invalid."""
    try:
        parts = urlsplit(url)
        port = parts.port or _DEFAULT_PORTS.get(parts.scheme)
    except ValueError:
        return None
    return (parts.hostname, port) if parts.hostname and port else None


def _is_this_host(origin: str, host: str) -> bool:
    site = host_and_port(origin)
    return site is not None and site == host_and_port(f"{origin.partition(':')[0]}://{host}")


def _follows_link(headers: Headers) -> bool:
    """Return True if the browser shows the answer as a page of its own."""
    mode, shown_as = headers.get("sec-fetch-mode"), headers.get("sec-fetch-dest")
    return (mode, shown_as) == ("navigate", "document")
