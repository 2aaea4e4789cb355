"""`breakerd check`: every error of a file, and what is legal in it and unwise."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from breakerd.api.advice.advise import Advice
from breakerd.api.cli.output import (
    FAILURE,
    USAGE_ERROR,
    err,
    fail,
    out,
    plain,
    print_json,
    show_problems,
)
from breakerd.breaker.config import ConfigWarning, Document
from breakerd.breaker.errors import ConfigError, ConfigProblem

if TYPE_CHECKING:
    from breakerd.api.file_settings import FileSettings

File = Annotated[Path, typer.Argument(help="TOML file.")]
Strict = Annotated[bool, typer.Option("--strict", help="Exit with 1 if there is a warning.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")]
Record = Annotated[
    Path | None,
    typer.Option("--record", help="File of the record. Default: the one that the file names."),
]
ListRules = Annotated[bool, typer.Option("--rules", help="List the rules, and check nothing.")]


def check_command(
    file: File = Path("config/breakers.toml"),
    *,
    strict: Strict = False,
    as_json: AsJson = False,
    record: Record = None,
    rules: ListRules = False,
) -> None:
    """Check a configuration file; print every error, and what is legal and unwise, by line."""
    if rules:
        _list_rules(as_json=as_json)
        return
    found = _check(file, record)
    if as_json:
        print_json({"file": str(file), **found.as_dict()})
    else:
        _show(file, found)
    if found.error:
        raise typer.Exit(USAGE_ERROR)
    if strict and (found.tolerated or found.advice):
        raise typer.Exit(FAILURE)


@dataclass(frozen=True, slots=True)
class _Found:
    """Everything that was found in a file: an error, or warnings."""

    error: ConfigError | None = None
    tolerated: tuple[ConfigWarning, ...] = ()
    advice: tuple[Advice, ...] = ()

    @property
    def warnings(self) -> list[ConfigWarning | Advice]:
        """Return all warnings by line."""
        return sorted([*self.tolerated, *self.advice], key=lambda each: each.line)

    def as_dict(self) -> dict[str, Any]:
        """Return it as JSON-able data."""
        problems = self.error.problems if self.error else []
        return {
            "errors": [_problem(each) for each in problems],
            "warnings": [_warning(each) for each in self.warnings],
        }


def _check(file: Path, record: Path | None) -> _Found:
    from breakerd.api.file_settings import settings_of
    from breakerd.api.security.tokens import Tokens
    from breakerd.breaker.config import read_document

    try:
        document = read_document(str(file))
        settings = settings_of(document)
        Tokens.load(settings.api)
    except ConfigError as error:
        return _Found(error)
    if record is not None and not record.is_file():
        fail(f"--record: found no file {str(record)!r}; allowed: the file of a record", USAGE_ERROR)
    advice = _advise(document, settings, record)
    return _Found(tolerated=tuple(settings.warnings), advice=tuple(advice))


def _advise(document: Document, settings: "FileSettings", record: Path | None) -> list[Advice]:
    """Return the advice; without what needs the record, if that cannot be read."""
    from breakerd.api.advice.advise import advise
    from breakerd.api.advice.rule import Subject
    from breakerd.breaker.record.reader import RecordReader
    from breakerd.breaker.record.rows import RecordError
    from breakerd.breaker.record.settings import record_file

    reader = RecordReader(record or record_file(document))
    try:
        return advise(Subject(document, settings, record=reader))
    except RecordError as error:
        err.print(f"note: {plain(str(error))}; the rules about it were left out")
        return advise(Subject(document, settings))


def _show(file: Path, found: _Found) -> None:
    if found.error:
        show_problems(found.error)
        return
    for warning in found.warnings:
        err.print(f"warning: {plain(str(warning))}")
    out.print(f"{plain(str(file))}: no errors")


def _problem(problem: ConfigProblem) -> dict[str, Any]:
    return {
        "where": problem.where,
        "line": problem.line,
        "key": problem.key,
        "found": problem.found,
        "allowed": problem.allowed,
    }


def _warning(warning: ConfigWarning | Advice) -> dict[str, Any]:
    if isinstance(warning, ConfigWarning):
        rule, text = None, f"found {warning.found}; taken as {warning.taken}"
    else:
        rule, text = warning.rule, warning.text
    place = {"where": warning.where, "line": warning.line, "key": warning.key}
    return {**place, "rule": rule, "text": text}


def _list_rules(*, as_json: bool) -> None:
    from breakerd.api.advice.registry import all_rules

    if as_json:
        print_json({"rules": [{"name": n, "meaning": m} for n, m in all_rules().items()]})
        return
    for name, meaning in all_rules().items():
        out.print(f"{name:<28}{plain(meaning)}")
