"""Log through the standard library, with fields; silent until the host configures logging.

The message holds its fields as `key=value`, for hosts that only print it. `record.event` and
`record.fields` hold them apart, for hosts that want structure.
"""

import logging
from collections.abc import MutableMapping
from typing import Any, Final

from breakerd.breaker.printable import printable

ROOT: Final = "breakerd"
"""The logger above all of this distribution's."""
_ARGUMENTS_OF_LOGGING: Final = frozenset({"exc_info", "stack_info", "stacklevel"})


class FieldLogger(logging.LoggerAdapter[logging.Logger]):
    """Logs an event with fields: `log.warning("config check failed", path=path)`. Thread-safe."""

    def process(
        self, msg: str, kwargs: MutableMapping[str, Any]
    ) -> tuple[str, MutableMapping[str, Any]]:
        """Turn keyword arguments into fields of the record."""
        arguments = {key: value for key, value in kwargs.items() if key in _ARGUMENTS_OF_LOGGING}
        fields = {key: value for key, value in kwargs.items() if key not in arguments}
        text = " ".join([msg, *(f"{key}={value}" for key, value in fields.items())])
        return printable(text), {**arguments, "extra": {"event": msg, "fields": fields}}


def get_logger(name: str) -> FieldLogger:
    """Return the logger of a module; give it `__name__`."""
    return FieldLogger(logging.getLogger(name))


logging.getLogger(ROOT).addHandler(logging.NullHandler())
