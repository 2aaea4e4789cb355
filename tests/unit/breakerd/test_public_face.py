"""`breakerd/__init__.py` says the same in its three lists, and only hosts import it."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import breakerd

ROOT = Path(__file__).resolve().parents[3]
FACE = ROOT / "breakerd" / "__init__.py"
PRODUCT = [
    path
    for folder in ("breaker", "alerts", "api")
    for path in sorted((ROOT / folder).rglob("*.py"))
] + [path for path in sorted(FACE.parent.glob("*.py")) if path != FACE]


def imported_for_checkers() -> dict[str, str]:
    """The home of each name under `if TYPE_CHECKING:`; that is what type checkers follow."""
    (block,) = (node for node in ast.parse(FACE.read_text()).body if isinstance(node, ast.If))
    assert ast.unparse(block.test) == "TYPE_CHECKING"
    homes: dict[str, str] = {}
    for node in block.body:
        assert isinstance(node, ast.ImportFrom)
        assert node.module is not None
        for name in node.names:
            assert name.asname == name.name, "checkers re-export only `x as x`"
            assert name.name not in homes
            homes[name.name] = node.module
    return homes


def test_checkers_and_the_interpreter_find_a_name_in_the_same_module() -> None:
    assert imported_for_checkers() == breakerd._HOMES


def test_all_that_has_a_home_is_public_and_in_order() -> None:
    assert breakerd.__all__ == sorted(breakerd._HOMES)
    assert len(set(breakerd.__all__)) == len(breakerd.__all__)


@pytest.mark.parametrize("name", breakerd.__all__)
def test_a_name_is_defined_in_its_home(name: str) -> None:
    public = getattr(breakerd, name)
    assert getattr(public, "__module__", breakerd._HOMES[name]) == breakerd._HOMES[name]


@pytest.mark.parametrize("path", PRODUCT, ids=lambda path: str(path.relative_to(ROOT)))
def test_the_product_imports_from_the_home_modules(path: Path) -> None:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom):
            assert node.level > 0 or node.module != "breakerd", ast.unparse(node)
        elif isinstance(node, ast.Import):
            assert "breakerd" not in {name.name for name in node.names}, ast.unparse(node)
