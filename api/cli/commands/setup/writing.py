"""Write the file that `breakerd init` makes: whole or not at all."""

import json
import os
import secrets
from pathlib import Path
from typing import Final

from breakerd.api.advice.advise import advise
from breakerd.api.advice.rule import Subject
from breakerd.api.cli.commands.setup.answers import NO_RECEIVER, Answers, variable_of
from breakerd.api.cli.commands.setup.new_file import new_file
from breakerd.api.cli.output import FAILURE, USAGE_ERROR, err, fail, out, plain, show_problems
from breakerd.api.file_schema import FILE_NAME, file_schema
from breakerd.api.file_settings import settings_of
from breakerd.breaker.config import parse_document
from breakerd.breaker.errors import ConfigError
from breakerd.breaker.storage.regular_file import require_regular

_MODE: Final = 0o666
"""Rights before the umask: there is no secret in these files."""
_CREATE: Final = os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC


def refuse_existing(file: Path, *, force: bool) -> None:
    """End the command if there is a file already, or anything that no file can replace."""
    if not os.path.lexists(file):
        return
    if not force:
        fail(f"{file} is there already: give another name, or --force to replace it", FAILURE)
    try:
        require_regular(file)
    except OSError as error:
        fail(f"{error}: give another name", FAILURE)


def write_new_file(file: Path, answers: Answers, *, force: bool, schema: bool) -> None:
    """Check the new file, write it, and say what to do next."""
    text = new_file(answers)
    if not schema:
        text = text.partition("\n\n")[2]
    try:
        document = parse_document(file, text)
        advice = advise(Subject(document, settings_of(document)))
    except ConfigError as error:
        show_problems(error)
        fail("nothing was written", USAGE_ERROR)
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        _write(file, text, replace=force)
        if schema:
            _write(file.parent / FILE_NAME, _schema(), replace=True)
    except FileExistsError:
        fail(f"{file} is there already: give another name, or --force to replace it", FAILURE)
    except OSError as error:
        fail(f"{error.filename or file} cannot be written: {error.strerror or error}", FAILURE)
    for each in advice:
        err.print(f"warning: {plain(str(each))}")
    _tell_next(file, answers)


def _schema() -> str:
    return json.dumps(file_schema(), indent=2, ensure_ascii=False) + "\n"


def _write(file: Path, text: str, *, replace: bool) -> None:
    """Write a file in one step; what is there already is replaced only if that is wanted.

    Raises:
        FileExistsError: it is there; it was left alone.
        OSError: it cannot be written; nothing was changed.
    """
    real = file.resolve() if replace else file.absolute()
    new = real.with_name(f".{real.name}.{secrets.token_hex(4)}.new")
    try:
        with os.fdopen(os.open(new, _CREATE, _MODE), "w", encoding="utf-8") as content:
            content.write(text)
            content.flush()
            if real.exists():
                os.fchmod(content.fileno(), real.stat().st_mode & 0o7777)
            os.fsync(content.fileno())
        if not replace:
            # Takes the name, unless somebody else has taken it meanwhile.
            os.close(os.open(real, _CREATE, _MODE))
        new.replace(real)
    finally:
        new.unlink(missing_ok=True)


def _tell_next(file: Path, answers: Answers) -> None:
    named = plain(str(file))
    out.print(f"{named} was written. Next:")
    if answers.receiver != NO_RECEIVER:
        if not answers.secret_file:
            variable = variable_of(answers.receiver)
            out.print(f"  set {variable} where the service runs; it is in no file")
        out.print(f"  breakerd doctor --config {named} --send-test")
    out.print(f"  breakerd serve --config {named}")
