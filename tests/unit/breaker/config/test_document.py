from __future__ import annotations

from functools import partial
from pathlib import Path

import pytest

from breakerd.breaker.config import document as module
from breakerd.breaker.config import parse_document, read_document
from breakerd.breaker.config.document import decode
from breakerd.breaker.config.file.saving import wait_for_writer
from breakerd.breaker.errors import ConfigError, ConfigProblem
from tests.support.driven_file_clock import FileTime

PATH = Path("breakers.toml")


def problem_of(path: Path) -> ConfigProblem:
    with pytest.raises(ConfigError) as caught:
        read_document(path)
    (problem,) = caught.value.problems
    assert problem.where == str(path)
    return problem


def test_a_document_holds_values_and_lines(path: Path) -> None:
    document = read_document(path)
    assert document.data == {"a": 1}
    assert document.text == "a = 1  # one\n"
    assert document.line_of(("a",)) == 1


def test_what_has_no_line_of_its_own_is_where_its_table_is() -> None:
    document = parse_document(PATH, "\nrecovery = { probes = 0 }\n[breakers.a]\nx = [1,\n2]\n")
    assert document.line_of(("recovery", "probes")) == 2
    assert document.line_of(("breakers", "a", "missing")) == 3
    assert document.line_of(("breakers", "a", "x", "1")) == 5
    assert document.line_of(("elsewhere",)) == 0


def test_a_table_without_header_begins_with_its_first_key() -> None:
    document = parse_document(PATH, "x = 1\nslo.timeout = 1\nslo.warmup = 2\n[a.b]\n[c.d]\n[c]\n")
    assert document.line_of(("slo",)) == 2
    assert document.line_of(("a",)) == 4
    assert document.line_of(("c",)) == 6


def test_a_missing_file_says_so(tmp_path: Path) -> None:
    problem = problem_of(tmp_path / "none.toml")
    assert problem.found == "No such file or directory"
    assert problem.line == 0


def test_a_folder_is_not_a_file(tmp_path: Path) -> None:
    assert problem_of(tmp_path).found == "a directory"


def test_other_encodings_are_told_with_the_byte(path: Path) -> None:
    path.write_bytes("a = 'é'".encode("latin-1"))
    problem = problem_of(path)
    assert (problem.found, problem.allowed) == ("byte 0xe9 at offset 5", "UTF-8 text")


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("a = 1\nb = \nc = 3\n", 2),
        ("a = 1\na = 2\n", 2),
        ('a = 1\n\nb = """', 3),
        ("[t]\n[t]\n", 2),
    ],
)
def test_bad_toml_is_told_with_its_line(path: Path, text: str, line: int) -> None:
    path.write_text(text)
    problem = problem_of(path)
    assert problem.line == line
    assert problem.allowed == "TOML 1.0"


def test_a_file_that_is_being_written_is_read_when_it_is_written(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    time = FileTime()
    monkeypatch.setattr(module, "wait_for_writer", partial(wait_for_writer, clock=time.clock))
    with path.open("w") as writer:
        time.on_sleep = [lambda: writer.write("a = 2\n"), writer.close]
        assert read_document(path).data == {"a": 2}


def test_bytes_that_are_no_text_have_their_line() -> None:
    with pytest.raises(ConfigError) as caught:
        decode(PATH, b"a = 1\n\nb = '\xff'\n")
    assert caught.value.problems[0].line == 3
