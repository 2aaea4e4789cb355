"""Read the lines of a trace from a file or the standard input, compressed by gzip or not."""

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
"""Maximum number of characters in one piece of a line."""


class Source:
    """Yield the lines of a trace once, from the beginning. As a context manager it closes the file.

    Args:
        path: a file, or `-` for the standard input.

    Raises:
        TraceError: it cannot be opened.
    """

    def __init__(self, path: str | Path) -> None:
        self.name = "standard input" if str(path) == STDIN else str(path)
        self.size: int | None = None
        """Size of the file on disk in bytes; None if unknown."""
        self.truncated = False
        """True if compressed data was cut off or damaged."""
        self._own = str(path) != STDIN
        try:
            self._raw = self._open(Path(path))
            self._text = self._decompressed()
        except OSError as error:
            reason = error.strerror or str(error)
            raise TraceError(f"{self.name}: {reason}; a trace is a readable file, or -") from None

    def position(self) -> int:
        """Return the number of bytes of the file read so far; 0 if unknown."""
        return self._raw.raw.tell() if self._raw.raw.seekable() else 0

    def lines(self) -> Iterator[str]:
        """Yield the lines with their line ends. Bytes that are not UTF-8 are replaced.

        A longer line is yielded in pieces of 1 MiB characters, which bounds memory.
        """
        try:
            while line := self._text.readline(_MAX_LINE_LENGTH):
                yield line
        except (EOFError, zlib.error, gzip.BadGzipFile):
            self.truncated = True
        except OSError as error:
            raise TraceError(f"{self.name}: {error.strerror or error}") from None

    def rest(self) -> str:
        """Return everything that was not read yet."""
        try:
            return self._text.read()
        except (EOFError, zlib.error, gzip.BadGzipFile):
            raise TraceError(f"{self.name}: the compressed data is damaged or cut off") from None

    def close(self) -> None:
        """Close the file; the standard input stays open."""
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
