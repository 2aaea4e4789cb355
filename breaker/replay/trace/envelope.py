"""Take off what collectors of logs put around each line, and around that once more.

Known are `kubectl logs --prefix` and `--timestamps`, the files of Docker and of CRI runtimes,
`docker compose logs`, syslog, and JSON objects that hold the line as text.
"""

import json
import re
from collections.abc import Callable, Sequence
from typing import Final

Layer = Callable[[str], tuple[str, bool] | None]
"""Returns what is inside a line and whether the next line goes on with it; None for other lines."""

_MAX_LAYERS: Final = 4
_MIN_SHARE: Final = 0.9
"""Minimum share of lines that are in a layer."""
_MAX_HELD: Final = 1 << 20
"""Maximum number of characters of a line in parts."""

_TIME: Final = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)"
_POD: Final = re.compile(r"\[pod/[^\]]+\] (.*)", re.DOTALL)
_CRI: Final = re.compile(rf"{_TIME} (?:stdout|stderr) ([FP])\S* ?(.*)", re.DOTALL)
_COMPOSE: Final = re.compile(r"[\w.-]+ +\| (.*)", re.DOTALL)
_TIMESTAMP: Final = re.compile(rf"{_TIME} (.*)", re.DOTALL)
_SYSLOG: Final = re.compile(
    r"(?:<\d+>)?(?:[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d|\d{4}-\d\d-\d\dT\S+) \S+ "
    r"[^\s:\[]+(?:\[\d+\])?: (.*)",
    re.DOTALL,
)
_RFC_5424: Final = re.compile(
    rf"<\d+>1 (?:{_TIME}|-) \S+ \S+ \S+ \S+ (?:-|(?:\[[^\]]*\])+) (.*)", re.DOTALL
)
_TEXTS: Final = ("log", "message", "MESSAGE", "@message", "line", "textPayload")
"""Keys under which collectors keep the line."""


class Envelope:
    """Layers around each line of a log, the outermost first. Not thread-safe."""

    def __init__(self, layers: Sequence[Layer] = ()) -> None:
        self.layers = tuple(layers)
        self._held = [""] * len(self.layers)
        """Per layer, the parts of a line whose last part has not come."""

    def unwrap(self, line: str) -> str:
        """Return what is inside a line; empty if it goes on in the next line."""
        for place, layer in enumerate(self.layers):
            found = layer(line)
            if found is None:
                break  # a line of another origin, as it is
            line, unfinished = self._held[place] + found[0], found[1]
            self._held[place] = ""
            if unfinished and len(line) < _MAX_HELD:
                self._held[place] = line
                return ""
        return line


def find_envelope(head: Sequence[str], known: Callable[[Sequence[str]], bool]) -> Envelope:
    """Return what is around each line.

    Args:
        head: the first lines.
        known: tells whether lines are of a known format, without anything around them.
    """
    layers: list[Layer] = []
    while len(layers) < _MAX_LAYERS and (layer := _find_layer(head, known)):
        layers.append(layer)
        inner = Envelope([layer])
        head = [inner.unwrap(line) for line in head]
    # What is only an envelope if there is something in it, is none if there is nothing.
    while layers and layers[-1] in _WEAK and not known(head):
        layers.pop()
    return Envelope(layers)


def _find_layer(head: Sequence[str], known: Callable[[Sequence[str]], bool]) -> Layer | None:
    lines = [line for line in head if line and not line.isspace()]
    for layer in (*_STRONG, *_WEAK):
        if layer in _WEAK and known(head):
            return None
        if sum(layer(line) is not None for line in lines) >= max(1, _MIN_SHARE * len(lines)):
            return layer
    return None


def _matching(pattern: re.Pattern[str]) -> Layer:
    def take_off(line: str) -> tuple[str, bool] | None:
        found = pattern.fullmatch(line)
        return (found[1], False) if found else None

    return take_off


def _cri(line: str) -> tuple[str, bool] | None:
    found = _CRI.fullmatch(line)
    return (found[2], found[1] == "P") if found else None


def _docker(line: str) -> tuple[str, bool] | None:
    row = _object(line)
    if row is None or "stream" not in row or not isinstance(text := row.get("log"), str):
        return None
    # Docker splits lines of more than 16 KiB; only the last part ends with the line.
    return text.rstrip("\r\n"), not text.endswith("\n")


def _json_text(line: str) -> tuple[str, bool] | None:
    row = _object(line)
    if row is None:
        return None
    for key in _TEXTS:
        if isinstance(text := row.get(key), str):
            return text.rstrip("\r\n"), False
    return None


def _object(line: str) -> dict[str, object] | None:
    if not line.startswith("{"):
        return None
    try:
        row = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return row if isinstance(row, dict) else None


_STRONG: Final[tuple[Layer, ...]] = (
    _matching(_POD),
    _cri,
    _docker,
    _matching(_COMPOSE),
    _matching(_RFC_5424),
)
_WEAK: Final[tuple[Layer, ...]] = (_matching(_TIMESTAMP), _matching(_SYSLOG), _json_text)
"""Layers of lines that can also be read as they are."""
