"""scripts/check-api, on a repository of its own that is laid out like this one."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "scripts" / "check-api"
FACE = """\
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from breakerd.breaker.runtime.switch import Switch as Switch

__all__ = ["Switch", "__version__"]
__version__ = "1.0"
"""
SWITCH = """\
class Base:
    def done(self, start: float, end: float) -> None: ...


class Switch(Base):
    def allow(self) -> bool: ...


def helper() -> None: ...
"""
TESTING = "def simulate_call(seconds: float) -> None: ...\n"


class Repository:
    """A repository with one tag; `change` edits a file of the commits that come after it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        for name, text in {
            "breakerd/__init__.py": FACE,
            "breaker/__init__.py": "",
            "breaker/testing.py": TESTING,
            "breaker/runtime/__init__.py": "",
            "breaker/runtime/switch.py": SWITCH,
            "CHANGELOG.md": "# Changelog\n\n## [Unreleased]\n\n## [1.0]\n\n- The first.\n",
        }.items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text(text)
        (folder / "breakerd/breaker").symlink_to("../breaker")
        (folder / "scripts").mkdir()
        shutil.copy(SCRIPT, folder / "scripts")
        self.git("init", "--quiet")
        self.git("add", "--all")
        self.git("commit", "--quiet", "--message", "First")

    def git(self, *arguments: str) -> None:
        who = ("-c", "user.name=a", "-c", "user.email=a@example.com", "-c", "tag.gpgsign=false")
        command = ["git", *who, "-c", "commit.gpgsign=false", *arguments]
        subprocess.run(command, cwd=self.folder, check=True)

    def change(self, name: str, before: str, after: str) -> None:
        text = (self.folder / name).read_text()
        assert before in text
        (self.folder / name).write_text(text.replace(before, after))

    def check(self) -> tuple[int, str]:
        """The script's exit code, and all it said."""
        done = subprocess.run(
            [sys.executable, "-W", "error", "scripts/check-api"],
            cwd=self.folder,
            capture_output=True,
            text=True,
            check=False,
        )
        return done.returncode, done.stdout + done.stderr


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    found = Repository(tmp_path)
    found.git("tag", "v1.0")
    return found


def test_without_a_tag_there_is_nothing_to_compare(tmp_path: Path) -> None:
    code, said = Repository(tmp_path).check()
    assert (code, said) == (0, "no tag yet: there is no released API to compare with\n")


def test_what_is_private_may_change(repository: Repository) -> None:
    repository.change("breaker/runtime/switch.py", "def helper() -> None: ...", "")
    repository.change("breaker/runtime/switch.py", "bool: ...", "bool: ...\n    new = 1")
    assert repository.check() == (0, "compared with v1.0: 0 breaking changes, 0 not announced\n")


@pytest.mark.parametrize(
    ("file", "before", "after", "broken"),
    [
        ("breaker/runtime/switch.py", "allow", "permit", "breakerd.Switch.allow: "),
        ("breaker/runtime/switch.py", "end: float", "finish: float", "breakerd.Switch.done: "),
        ("breakerd/__init__.py", '"Switch", ', "", "breakerd.Switch: is no longer exported"),
        ("breaker/testing.py", "seconds", "duration", "breakerd.breaker.testing.simulate_call: "),
    ],
    ids=["a method", "an inherited parameter", "an export", "a documented module"],
)
def test_a_break_fails_until_it_is_announced(
    repository: Repository, file: str, before: str, after: str, broken: str
) -> None:
    repository.change(file, before, after)
    code, said = repository.check()
    assert code == 1
    assert broken in said
    name = broken.partition(":")[0].removeprefix("breakerd.")
    entry = f"## [Unreleased]\n\n### Changed\n\n- **Breaking:** `{name}` is another one.\n"
    repository.change("CHANGELOG.md", "## [Unreleased]\n", entry)
    code, said = repository.check()
    assert code == 0, said
    assert said.endswith(", 0 not announced\n")


def test_a_member_is_named_with_its_class(repository: Repository) -> None:
    repository.change("breaker/runtime/switch.py", "allow", "permit")
    entry = "## [Unreleased]\n\n- **Breaking:** `allow` is gone.\n- `Switch.allow` was nice.\n"
    repository.change("CHANGELOG.md", "## [Unreleased]\n", entry)
    assert repository.check()[0] == 1


def test_what_an_older_release_announced_does_not_count(repository: Repository) -> None:
    repository.change("breaker/runtime/switch.py", "allow", "permit")
    repository.change("CHANGELOG.md", "- The first.", "- **Breaking:** `Switch.allow`.")
    assert repository.check()[0] == 1


def test_a_module_that_is_gone(repository: Repository) -> None:
    (repository.folder / "breaker/testing.py").unlink()
    code, said = repository.check()
    assert code == 1
    assert "breakerd.breaker.testing: is gone" in said
