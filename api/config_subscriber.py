"""Apply changes of `[api]` and of the token files while the service runs."""

from collections.abc import Callable

from breakerd.api.file_settings import read_api_section
from breakerd.api.http.admin import AdminContext
from breakerd.api.security.tokens import Tokens
from breakerd.breaker.config import Document
from breakerd.breaker.errors import ConfigError, ConfigProblem


class AdminConfigSubscriber:
    """Subscribe an admin plane to its configuration file: limits and tokens change at run time."""

    def __init__(self, admin: AdminContext) -> None:
        self._admin = admin

    def owns(self, section: str) -> bool:
        """Return True for `[api]`."""
        return section == "api"

    def prepare(self, document: Document) -> Callable[[], None]:
        """Check `[api]`, read the token files, and return the function that applies both.

        Raises:
            ConfigError: every problem in the section; or a running service with tokens would be
                left without any.
        """
        settings = read_api_section(document)
        tokens = Tokens.load(settings)
        if self._admin.access.tokens and not tokens:
            found = "no token"
            allowed = "a token, because the service started with one; restart it to run without"
            raise ConfigError([ConfigProblem(str(document.path), 0, "api", found, allowed)])

        def apply() -> None:
            self._admin.settings = settings
            self._admin.access.follow(settings, tokens)

        return apply
