from __future__ import annotations

import shutil
from pathlib import Path

from breakerd.breaker.config.file.way import find_way


def folders(path: Path) -> list[str]:
    return [folder for folder, _ in find_way(path).folders]


def test_a_file_is_in_its_folder(path: Path, tmp_path: Path) -> None:
    way = find_way(path)
    assert folders(path) == [str(tmp_path)]
    assert [parent for parent, _ in way.parents] == [str(tmp_path.parent)]
    assert {str(path), str(tmp_path)} <= way.names


def test_links_lead_through_the_folders_that_hold_them(tmp_path: Path) -> None:
    (tmp_path / "one" / "two").mkdir(parents=True)
    (tmp_path / "one" / "two" / "f").touch()
    (tmp_path / "link").symlink_to("one/../one/two")
    (tmp_path / "absolute").symlink_to(tmp_path / "link" / "f")
    way = find_way(tmp_path / "absolute")
    assert [folder for folder, _ in way.folders] == [str(tmp_path), str(tmp_path / "one" / "two")]
    names = ("absolute", "link", "one", "one/two", "one/two/f")
    assert {str(tmp_path / name) for name in names} <= way.names


def test_a_folder_of_the_same_name_is_another_way(tmp_path: Path) -> None:
    file = tmp_path / "etc" / "f"
    file.parent.mkdir()
    before = find_way(file)
    assert find_way(file) == before
    file.parent.rename(tmp_path / "old")
    (tmp_path / "etc").mkdir()
    assert find_way(file) != before


def test_what_is_not_there_is_on_the_way(tmp_path: Path) -> None:
    file = tmp_path / "etc" / "f"
    way = find_way(file)
    assert way.folders == ()
    assert [parent for parent, _ in way.parents] == [str(tmp_path)]
    assert str(file) in way.names


def test_links_in_a_circle_end(tmp_path: Path) -> None:
    (tmp_path / "a").symlink_to("b")
    (tmp_path / "b").symlink_to("a")
    assert folders(tmp_path / "a") == [str(tmp_path)]


def test_the_root_and_what_is_right_below_it() -> None:
    assert find_way(Path("/")).folders == ()
    assert folders(Path("/f")) == ["/"]
    assert folders(Path("/../f")) == ["/"]


def test_a_path_that_cannot_be_has_no_folders(tmp_path: Path) -> None:
    shutil.rmtree(tmp_path)
    assert folders(tmp_path / "a" / "f") == []
