"""Error of a change that is active, and could not be written to the file."""

from collections.abc import Iterable
from pathlib import Path

from breakerd.breaker.config.toml.scan import Key
from breakerd.breaker.errors import ConfigWriteError


def not_written(path: Path, keys: Iterable[Key], error: Exception) -> ConfigWriteError:
    """Return the error that names the keys, the file and the cause."""
    reason = getattr(error, "strerror", None) or str(error)
    named = ", ".join(".".join(key) for key in keys)
    return ConfigWriteError(
        f"{named}: active, but not written to {path}, so a restart loses it: {reason}"
    )
