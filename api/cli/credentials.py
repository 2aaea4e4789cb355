"""Token of a command: the one that is given, else the one that the service made in `var/token`."""

import ipaddress
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from breakerd.breaker.config.file.reading import FileReadError, read_secret_text

MADE_TOKEN_FILE: Final = "var/token"  # noqa: S105 - a path
"""Default of `[api] made_token_file`."""


@dataclass(frozen=True, slots=True)
class Credentials:
    """A token, and what to do if the service refuses it.

    Attributes:
        token: the token; None if there is none.
        advice: what to do after an answer of 401 or 403.
        local: the service is on this machine, so that a request goes through no proxy.
    """

    token: str | None
    advice: str
    local: bool = False

    @property
    def sendable(self) -> bool:
        """False if no header can hold the token."""
        return self.token is None or self.token.isprintable()

    def headers(self) -> dict[bytes, bytes]:
        """Return the headers that carry the token, as UTF-8."""
        return {b"Authorization": f"Bearer {self.token}".encode()} if self.token else {}


def find_credentials(host: str, token: str | None) -> Credentials:
    """Return the token to send to a host.

    Args:
        host: name or address in the service's URL.
        token: the token that is given; None to look for one: BREAKERD_READ_TOKEN, and for loopback
            the file `var/token` in the working directory.
    """
    local = _is_this_machine(host)
    # Without the white space around it, as the service reads it.
    if given := (token or "").strip() or os.environ.get("BREAKERD_READ_TOKEN", "").strip():
        advice = "Check --token, BREAKERD_TOKEN and BREAKERD_READ_TOKEN."
        return Credentials(given, advice, local)
    if not local:
        return Credentials(None, f"Give --token or set BREAKERD_TOKEN: {_ONLY_LOCAL}.")
    path = Path(MADE_TOKEN_FILE).absolute()
    try:
        # No link, which somebody else may have laid to another secret of this user.
        made = read_secret_text(path, follow_links=False)
    except FileReadError as error:
        found = f"{path}: {error}"
    else:
        found = f"{path} is empty"
        if made:
            return Credentials(made, f"The token in {path} is another service's: {_TRY}.", local)
    return Credentials(None, f"No token found ({found}): {_TRY}.", local)


_ONLY_LOCAL: Final = f"the token in {MADE_TOKEN_FILE} is sent to loopback only"
_TRY: Final = (
    f"run this as the service's user in the folder that it was started in ({MADE_TOKEN_FILE} lies "
    "there), or give --token or set BREAKERD_TOKEN"
)


def _is_this_machine(host: str) -> bool:
    """Return True for `localhost` and literal loopback addresses: any other name may lead away."""
    try:
        return host.lower() == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
