"""Paths that a middleware does not guard."""

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
"""Paths not guarded by default: those needed during an outage, such as the admin plane."""


class RouteFilter:
    """Set of exact paths, and of prefixes given as a path that ends in `*`.

    Attributes:
        exact: the exact paths.
        prefixes: beginnings of the other paths.
    """

    def __init__(self, paths: Iterable[str]) -> None:
        """Parse the paths.

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
