"""Small file that several processes of a host keep: created to be locked, replaced as a whole."""

import os
import tempfile
from pathlib import Path


def create_file(path: Path) -> None:
    """Create an empty file if there is none: only what exists can be locked. Thread-safe.

    Only its user may read it.

    Raises:
        OSError: it cannot be created or opened.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    os.close(os.open(path, os.O_CREAT | os.O_RDONLY | os.O_NONBLOCK, 0o600))


def replace_text(path: Path, text: str) -> None:
    """Replace the file by one with that text, which is on the disk then. Thread-safe.

    Whoever reads it meanwhile reads the one before or the new one. Only its user may read it.

    Raises:
        OSError: it cannot be written; it is as before.
    """
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        Path(name).replace(path)
    finally:
        Path(name).unlink(missing_ok=True)
