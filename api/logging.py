"""Configure the service's log: text on a terminal, JSON elsewhere.

Only the service configures logging; an embedding application configures its own. Each record names
its file and line. Whatever looks like a secret is masked.

A thread writes the records, so that a standard error that nobody reads blocks nothing else: not
even the end of the process. What does not fit into the queue meanwhile is dropped and counted.
"""

import io
import logging
import os
import re
import sys
import traceback
from collections.abc import Callable
from io import UnsupportedOperation
from typing import Any, Final, TextIO

import structlog
from structlog.processors import CallsiteParameter, CallsiteParameterAdder
from structlog.types import EventDict, ExcInfo, Processor

from breakerd.breaker.encoding.printable import printable, printable_json, printable_lines
from breakerd.breaker.logging import LogRelay, get_logger, relaying

_log = get_logger(__name__)

_MASK: Final = "********"
_SECRET_NAME: Final = re.compile(
    r"(^|_)(token|password|secret|authorization|api_?key|genie_?key)$", re.IGNORECASE
)
_SECRET_TEXT: Final = re.compile(
    r"\b(GenieKey|Bearer|Basic)(\s+)[^\s'\",;]+|(api_?key|token|password)(\s*[=:]\s*)[^\s'\",;&]+",
    re.IGNORECASE,
)


class RelayHandler(logging.Handler):
    """Renders records in the thread that logs, and writes them in another one."""

    def __init__(self, stream: TextIO) -> None:
        super().__init__()
        self.relay = LogRelay("breakerd-log-writer", _writer_to(stream), _tell_dropped).start()

    def emit(self, record: logging.LogRecord) -> None:
        """Hand over the text of a record. Never blocks."""
        try:
            self.relay.put(self.format(record) + "\n")
        except Exception:  # noqa: BLE001 - as every handler of the standard library does
            self.handleError(record)

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - logging's name
        """Log that `record` cannot be rendered; the standard error may be blocked."""
        self.relay.put(f"log record not rendered: {record.msg!r}\n{traceback.format_exc()}")

    def flush(self) -> None:
        """Do nothing: the end of the process must not wait for a blocked stream; see `flush`."""


_handler: RelayHandler | None = None
"""The handler of this process; None before `configure`."""


def configure(stream: TextIO | None = None, level: int = logging.INFO) -> None:
    """Send all logging of this process to `stream`, by default the standard error.

    Replaces the handlers of the root logger.
    """
    global _handler  # noqa: PLW0603 - the root logger is one as well
    stream = stream or sys.stderr
    _handler = RelayHandler(stream)
    _handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=_shared_processors(),
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                *_renderers(terminal=stream.isatty()),
            ],
        )
    )
    root = logging.getLogger()
    for old in root.handlers[:]:
        root.removeHandler(old)
    root.addHandler(_handler)
    root.setLevel(level)
    # The log is one of decisions; a line per request would drown them.
    logging.getLogger("uvicorn.access").setLevel(logging.WARNING)
    logging.getLogger("httpx").setLevel(logging.WARNING)
    logging.captureWarnings(capture=True)


def flush(timeout: float) -> None:
    """Wait until what was logged before is written, at most `timeout` seconds."""
    relaying.flush(timeout)
    if _handler is not None:
        _handler.relay.flush(timeout)


def dropped_records() -> int:
    """Return the number of records that were dropped because the output was blocked."""
    return relaying.dropped + (_handler.relay.dropped if _handler is not None else 0)


def _writer_to(stream: TextIO) -> Callable[[str], None]:
    """Return a function that writes a text to `stream`, by its descriptor if it has one.

    Python's own stream holds a lock while it writes, for which the end of the process would wait.
    """
    try:
        descriptor = stream.fileno()
    except (UnsupportedOperation, ValueError, AttributeError):
        return lambda text: _write_text(stream, text)
    return lambda text: _write_all(descriptor, text.encode(errors="backslashreplace"))


def _write_text(stream: TextIO, text: str) -> None:
    stream.write(text)
    stream.flush()


def _write_all(descriptor: int, data: bytes) -> None:
    while data:
        data = data[os.write(descriptor, data) :]


def _tell_dropped(count: int) -> None:
    _log.warning("log records dropped: the standard error was blocked", count=count)


def redact(_logger: object, _method: str, event: EventDict) -> EventDict:
    """Mask secrets; a structlog processor."""
    return {
        key: _MASK if value and _SECRET_NAME.search(key) else _redacted(value)
        for key, value in event.items()
    }


def _shared_processors() -> list[Processor]:
    return [
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        CallsiteParameterAdder({CallsiteParameter.FILENAME, CallsiteParameter.LINENO}),
        structlog.stdlib.ExtraAdder(),
        _spread_fields,
    ]


def _renderers(*, terminal: bool) -> list[Processor]:
    if terminal:
        console = structlog.dev.ConsoleRenderer(colors=True, exception_formatter=_write_traceback)
        return [redact, _make_printable, console]
    return [
        structlog.processors.format_exc_info,
        redact,
        structlog.processors.JSONRenderer(_to_json),
    ]


def _spread_fields(_logger: object, _method: str, event: EventDict) -> EventDict:
    """Move the fields of our own loggers into the event."""
    fields = event.pop("fields", None)
    return {**fields, **event} if isinstance(fields, dict) else event


def _make_printable(_logger: object, _method: str, event: EventDict) -> EventDict:
    """Show control characters in place of sending them to the terminal."""
    return {
        printable(key): value if key == "exc_info" else _printable_value(value)
        for key, value in event.items()
    }


def _printable_value(value: object) -> object:
    if isinstance(value, bool | int | float | None):
        return value
    return printable(value if isinstance(value, str) else repr(value))


def _write_traceback(stream: TextIO, exc_info: ExcInfo) -> None:
    text = io.StringIO()
    structlog.dev.plain_traceback(text, exc_info)
    stream.write(printable_lines(text.getvalue()))


def _to_json(event: object, **_arguments: object) -> str:
    return printable_json(event, default=str)


def _redacted(value: Any) -> Any:
    match value:
        case str():
            return _SECRET_TEXT.sub(lambda m: f"{m[1] or m[3]}{m[2] or m[4]}{_MASK}", value)
        case dict():
            return {
                key: _MASK if item and _SECRET_NAME.search(str(key)) else _redacted(item)
                for key, item in value.items()
            }
        case list() | tuple():
            return [_redacted(item) for item in value]
        case _:
            return value
