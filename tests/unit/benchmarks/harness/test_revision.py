from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from benchmarks.harness.child import ROOT
from benchmarks.harness.figures import UnavailableError
from benchmarks.harness.revision import check_out, load


def repository(folder: Path, *packages: str) -> Path:
    """A folder with packages whose modules import each other by their full names."""
    for package in packages:
        own = folder / package
        own.mkdir(parents=True)
        (own / "__init__.py").write_text(f"from {package}.core import Breaker\n")
        (own / "core.py").write_text(f'NAME = "{package}.core"\n\n\nclass Breaker:\n    pass\n')
    return folder


@pytest.mark.parametrize("package", ["breakerd", "breaker"])
def test_the_copy_imports_itself_by_its_new_name(tmp_path: Path, package: str) -> None:
    source = repository(tmp_path / "source", package)
    first = load(source, tmp_path, f"first_{package}")
    second = load(source, tmp_path, f"second_{package}")
    assert first.Breaker.__module__ == f"first_{package}.core"
    assert f"first_{package}.core" == first.core.NAME
    assert first.Breaker is not second.Breaker


def test_the_newer_package_is_taken_where_there_are_both(tmp_path: Path) -> None:
    module = load(repository(tmp_path / "source", "breaker", "breakerd"), tmp_path, "newer")
    assert (tmp_path / "newer" / "core.py").read_text().startswith('NAME = "newer.core"')
    assert module.__name__ == "newer"


def test_this_tree_runs_beside_itself(tmp_path: Path) -> None:
    copy = load(ROOT, tmp_path, "this_tree_again")
    breaker = copy.Breaker()
    breaker.trip()
    with pytest.raises(copy.BreakerOpenError):
        breaker.call(int)
    breaker.close()


def test_a_folder_without_a_breaker_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UnavailableError, match="there is no breaker in"):
        load(tmp_path, tmp_path, "none")


def test_a_breaker_whose_requirements_are_missing_is_refused(tmp_path: Path) -> None:
    source = repository(tmp_path / "source", "breakerd")
    (source / "breakerd" / "core.py").write_text("import there_is_no_such_module\n")
    with pytest.raises(UnavailableError, match="there_is_no_such_module"):
        load(source, tmp_path, "incomplete")


def test_a_folder_is_not_copied_and_a_commit_is_extracted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = repository(tmp_path / "source", "breakerd")
    assert check_out(str(source), tmp_path) == source
    git = shutil.which("git")
    assert git
    who = ("-c", "user.name=x", "-c", "user.email=x@example.org")
    for command in (["init", "-q"], ["add", "."], [*who, "commit", "-q", "-m", "one"]):
        subprocess.run([git, *command], cwd=source, check=True)
    monkeypatch.setattr("benchmarks.harness.revision.ROOT", source)
    monkeypatch.chdir(tmp_path)
    out = tmp_path / "out"
    out.mkdir()
    assert (check_out("HEAD", out) / "breakerd" / "core.py").is_file()
    with pytest.raises(UnavailableError, match="nonsense is neither a folder nor a commit"):
        check_out("nonsense", out)
