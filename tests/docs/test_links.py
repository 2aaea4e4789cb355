"""Every relative link and anchor in the documentation leads somewhere."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path
from urllib.parse import unquote

import pytest

PROJECT = Path(__file__).parents[2]
PAGES = sorted(
    PROJECT / name
    for name in subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "*.md"],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.splitlines()
)
ON_THE_WEB = ("http://", "https://", "mailto:")
FOLDERS = "alerts|api|benchmarks|breaker|breakerd|config|docs|examples|scripts|tests"


def prose(page: Path) -> str:
    """The text of a page without its code blocks."""
    return re.sub(r"^( *)```.*?^\1```$", "", page.read_text(), flags=re.MULTILINE | re.DOTALL)


def anchors(page: Path) -> set[str]:
    """The anchors of a page's headings, as GitHub makes them; further equal ones get a number."""
    found: list[str] = []
    for heading in re.findall(r"^#{1,6} +(.+?) *#*$", prose(page), re.MULTILINE):
        shown = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).replace("`", "")
        anchor = re.sub(r"[^\w\- ]", "", shown.lower()).replace(" ", "-")
        count = sum(
            re.fullmatch(rf"{re.escape(anchor)}(-\d+)?", other) is not None for other in found
        )
        found.append(f"{anchor}-{count}" if count else anchor)
    return {*found, *re.findall(r'<a (?:id|name)="([^"]+)"', page.read_text())}


def links(page: Path) -> list[str]:
    """The targets of inline and of reference links."""
    text = re.sub(r"`[^`\n]*`", "", prose(page))
    inline = re.findall(r"\]\(\s*<?([^)\s>]+)>?(?:\s+\"[^\"]*\")?\s*\)", text)
    return inline + re.findall(r"^\[[^\]]+\]:\s+(\S+)", text, re.MULTILINE)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(PROJECT)))
def test_links_lead_somewhere(page: Path) -> None:
    for link in links(page):
        if link.startswith(ON_THE_WEB):
            continue
        path, _, anchor = unquote(link).partition("#")
        target = (page.parent / path) if path else page
        assert target.exists(), f"{link}: no such file"
        assert target.resolve().is_relative_to(PROJECT), f"{link}: outside of the repository"
        if anchor:
            assert anchor in anchors(target), f"{link}: no such heading"


@pytest.mark.parametrize("name", ["CONTRIBUTING.md", "docs/architecture.md"])
def test_files_that_are_named_exist(name: str) -> None:
    named = re.findall(rf"`((?:{FOLDERS})/[\w./-]*)`", (PROJECT / name).read_text())
    assert len(named) > 10
    assert [path for path in named if not (PROJECT / path).exists()] == []


def test_the_index_names_every_page() -> None:
    index = PROJECT / "docs/README.md"
    linked = {(index.parent / link).resolve() for link in links(index)}
    assert {page for page in PAGES if page.parent == index.parent} - linked == {index}
