"""Read what is needed of a WSGI environment."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment


def request_path(environ: "WSGIEnvironment") -> str:
    """Return the decoded path of a request, with the part before a mounted application."""
    # PEP 3333: text whose characters are the bytes that came.
    raw: str = environ.get("SCRIPT_NAME", "") + environ.get("PATH_INFO", "")
    return raw.encode("latin-1").decode(errors="replace")
