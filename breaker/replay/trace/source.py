"""Where a trace comes from: a file or the standard input, gzip-compressed or not."""

import gzip
import io
import sys
import zlib
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Final, Self, cast

from breakerd.breaker.errors import TraceError

STDIN: Final = "-"

_GZIP: Final = b"\x1f\x8b"
_MAX_LINE_LENGTH: Final = 1 << 20
"""Characters; what is longer is no line of a log."""


class Source:
    """The lines of a trace, read once, from the beginning. A context manager that closes it.

    Args:
        path: a file, or `-` for the standard input.

    Raises:
        TraceError: it cannot be opened.
    """

    def __init__(self, path: str | Path) -> None:
        self.name = "standard input" if str(path) == STDIN else str(path)
        self.size: int | None = None
        """Bytes of the file as it lies on the disk; None where that is not known."""
        self.truncated = False
        """Whether compressed data ended before its end, or was damaged."""
        self._own = str(path) != STDIN
        try:
            self._raw = self._open(Path(path))
            self._text = self._decompressed()
        except OSError as error:
            reason = error.strerror or str(error)
            raise TraceError(f"{self.name}: {reason}; a trace is a readable file, or -") from None

    def position(self) -> int:
        """Bytes of the file that were read so far; 0 where that is not known."""
        return self._raw.raw.tell() if self._raw.raw.seekable() else 0

    def lines(self) -> Iterator[str]:
        """The lines, with their ends. What is not UTF-8 is replaced, not refused.

        A line that is too long to be one comes in pieces, so that it takes no memory.
        """
        try:
            while line := self._text.readline(_MAX_LINE_LENGTH):
                yield line
        except (EOFError, zlib.error, gzip.BadGzipFile):
            self.truncated = True
        except OSError as error:
            raise TraceError(f"{self.name}: {error.strerror or error}") from None

    def rest(self) -> str:
        """All that was not read yet."""
        try:
            return self._text.read()
        except (EOFError, zlib.error, gzip.BadGzipFile):
            raise TraceError(f"{self.name}: the compressed data is damaged or cut off") from None

    def close(self) -> None:
        """Closes the file; the standard input stays open."""
        if self._own:
            self._text.close()
            self._raw.close()
        else:
            self._text.detach()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _open(self, path: Path) -> io.BufferedReader:
        if not self._own:
            return cast("io.BufferedReader", sys.stdin.buffer)
        file = path.open("rb")
        self.size = path.stat().st_size or None
        return file

    def _decompressed(self) -> io.TextIOWrapper:
        packed = self._raw.peek(len(_GZIP))[: len(_GZIP)] == _GZIP
        plain = gzip.GzipFile(fileobj=self._raw) if packed else self._raw
        return io.TextIOWrapper(
            cast("BinaryIO", plain), encoding="utf-8-sig", errors="replace", newline="\n"
        )
