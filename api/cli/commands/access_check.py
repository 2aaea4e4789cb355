"""Check of `breakerd doctor`: who may change what over HTTP."""

from typing import Final

from breakerd.alerts.doctor.finding import Finding, ok, warning
from breakerd.api.security.made_token import MadeToken
from breakerd.api.security.tokens import TOKEN_VARIABLE, Tokens
from breakerd.api.settings import OPEN_LOOPBACK_RISK, ApiSettings

_CHECK: Final = "access"


def check_access(settings: ApiSettings) -> Finding:
    """Check that changes need a token, and that there is one. It changes nothing.

    Raises:
        ConfigError: a token file cannot be read or is empty.
    """
    tokens = Tokens.load(settings)
    if tokens.full:
        return ok(_CHECK, "a token is set: everything but health needs it")
    if settings.loopback == "open" and not tokens:
        advice = f"remove `loopback` from [api], or set {TOKEN_VARIABLE}"
        return warning(_CHECK, f'loopback = "open": {OPEN_LOOPBACK_RISK}', advice)
    made = MadeToken(settings.made_token_file)
    if problem := made.inspect():
        found = f"no token is set, and none can be made in {settings.made_token_file!r}: {problem}"
        advice = f"nobody may change anything: set {TOKEN_VARIABLE}, or repair that file"
        return warning(_CHECK, found, advice)
    return ok(_CHECK, f"no token is set: changes need the one in {settings.made_token_file}")
