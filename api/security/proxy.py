"""Signs that a proxy has forwarded a request, so that its address is not its sender's."""

from typing import Final

from starlette.requests import HTTPConnection

_DIRECT_VERSIONS: Final = frozenset({"1.1", "2", "2.0", "3", "3.0"})
"""HTTP versions of today's clients. nginx forwards in 1.0 unless told otherwise."""

HEADERS: Final = frozenset(
    {
        "cdn-loop",
        "client-ip",
        "do-connecting-ip",
        "forwarded",
        "forwarded-for",
        "front-end-https",
        "incap-client-ip",
        "proxy-client-ip",
        "proxy-connection",
        "remote-user",
        "surrogate-capability",
        "true-client-ip",
        "via",
        "wl-proxy-client-ip",
        "x-bluecoat-via",
        "x-cloud-trace-context",
        "x-host",
        "x-nf-client-connection-ip",
        "x-scheme",
        "x-url-scheme",
        "x-varnish",
    }
)
"""Names of headers that only proxies add, in lower case."""
PREFIXES: Final = (
    "akamai-",
    "cf-",
    "cloudfront-",
    "fastly-",
    "fly-",
    "tailscale-",
    "x-akamai-",
    "x-amz-cf-",
    "x-amzn-",
    "x-appengine-",
    "x-arr-",
    "x-auth-request-",
    "x-azure-",
    "x-client-",
    "x-cluster-",
    "x-envoy-",
    "x-fd-",
    "x-forward",
    "x-goog-",
    "x-haproxy-",
    "x-kong-",
    "x-ms-forwarded-",
    "x-original-",
    "x-proxy",
    "x-real-",
    "x-remote-",
    "x-ssl-",
    "x-sucuri-",
    "x-traefik-",
    "x-vercel-",
)
"""Beginnings of such names."""


def proxy_sign(request: HTTPConnection) -> str | None:
    """Return what shows that a proxy has forwarded the request; None if nothing does.

    None proves nothing: a proxy may add no header at all.
    """
    version: str = request.scope.get("http_version", "1.1")
    if version not in _DIRECT_VERSIONS:
        return f"HTTP/{version}"
    name: str
    for name in request.headers:
        if name in HEADERS or name.startswith(PREFIXES):
            return name
    return None
