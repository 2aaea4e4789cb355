"""The paths that a middleware leaves alone."""

from collections.abc import Iterable
from typing import Final

DEFAULT_EXCLUDED: Final = (
    "/healthz",
    "/readyz",
    "/metrics",
    "/-/*",
    "/breaker/*",
    "/breakers",
    "/breakers/*",
)
"""Left alone by default: what is asked when all is not well, the admin plane above all."""


class RouteFilter:
    """A set of paths: each exact, or all that begin as one that ends in `*` does.

    Attributes:
        exact: the paths that are exact.
        begun: how the others begin.
    """

    def __init__(self, paths: Iterable[str]) -> None:
        """Takes the paths.

        Raises:
            ValueError: a path does not begin with `/`, or holds a `*` that is not its end.
        """
        paths = (paths,) if isinstance(paths, str) else tuple(paths)
        for path in paths:
            if not path.startswith("/") or "*" in path[:-1]:
                raise ValueError(
                    f"exclude holds {path!r}; allowed: a path such as '/healthz', or the "
                    "beginning of paths such as '/static/*'"
                )
        self.exact = frozenset(path for path in paths if not path.endswith("*"))
        self.prefixes = tuple(path[:-1] for path in paths if path.endswith("*"))

    def __contains__(self, path: str) -> bool:
        return path in self.exact or path.startswith(self.prefixes)
