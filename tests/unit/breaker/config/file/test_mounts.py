from __future__ import annotations

from pathlib import Path

import pytest

from breakerd.breaker.config.file.mounts import source_of_mount, why_not_seen


def mounts(folder: Path, *lines: str) -> Path:
    path = folder / "mountinfo"
    path.write_text("".join(f"{line}\n" for line in lines))
    return path


def test_a_mounted_file_has_a_source(path: Path, tmp_path: Path) -> None:
    listed = mounts(
        tmp_path,
        f"22 1 8:1 /below {path} rw - ext4 /dev/sda1 rw",
        f"23 1 8:1 /srv/b.toml {path} rw,relatime shared:1 - ext4 /dev/sda1 rw",
        f"24 1 8:1 / {tmp_path} rw - ext4 /dev/sda1 rw",
        "broken",
    )
    assert source_of_mount(path, listed) == "/srv/b.toml", "the mount on top counts"
    link = tmp_path / "link.toml"
    link.symlink_to(path)
    assert source_of_mount(link, listed) == "/srv/b.toml"


def test_names_with_spaces_are_escaped(tmp_path: Path) -> None:
    path = tmp_path / "my file.toml"
    path.touch()
    escaped = str(path).replace(" ", r"\040")
    listed = mounts(tmp_path, rf"22 1 8:1 /a\040b\134c {escaped} rw - ext4 /dev/sda1 rw")
    assert source_of_mount(path, listed) == r"/a b\c"


def test_a_file_in_a_mounted_folder_is_not_mounted(path: Path, tmp_path: Path) -> None:
    listed = mounts(tmp_path, f"22 1 8:1 /srv {tmp_path} rw - ext4 /dev/sda1 rw")
    assert source_of_mount(path, listed) == ""
    assert source_of_mount(tmp_path, listed) == "", "nor is a folder in its place a file"
    assert source_of_mount(path, tmp_path / "missing") == ""
    assert source_of_mount(path) == ""


def test_links_in_a_circle_are_not_mounted(tmp_path: Path) -> None:
    (tmp_path / "loop").symlink_to("loop")
    assert source_of_mount(tmp_path / "loop") == ""


@pytest.mark.parametrize(
    ("before", "now", "wrong"),
    [
        ("", "", False),
        ("/srv/b.toml", "/srv/b.toml", False),
        ("/srv/b.toml", "", False),
        ("", "/srv/b.toml", False),
        ("/srv/b.toml", "/srv/b.toml//deleted", True),
        ("/srv/b.toml", "/srv/b.toml~", True),
        ("", "/srv/b.toml//deleted", True),
    ],
)
def test_a_source_that_was_replaced_is_told(before: str, now: str, wrong: bool) -> None:
    assert ("mount the folder" in why_not_seen(before, now)) == wrong
