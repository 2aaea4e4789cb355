"""The optional compiled build: `breaker/hot_path.py`, as it stands, through Cython into C.

Off by default: a wheel is pure Python unless `HATCH_BUILD_HOOK_ENABLE_CUSTOM=1` is set, and where
the extension is absent, or was made for another Python, the same source is interpreted. From a
clone, `scripts/compile` builds it in place. Needs Cython, setuptools, a C compiler and Python's
headers; a Python without a GIL is left interpreted, since the locks it needs are put in at import.
"""

import shutil
import sys
import sysconfig
import tempfile
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

SOURCE = "breaker/hot_path.py"
ALWAYS_PURE = "the GIL of this Python is off: it is served by the interpreted source"


class CustomBuildHook(BuildHookInterface[Any]):
    """Puts the extension into a wheel, which is then for this Python and platform alone."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Builds it, unless the project is installed in place."""
        if self.target_name != "wheel" or version == "editable" or not has_gil():
            return
        # Until the wheel is made; it is removed with this object.
        self._folder = tempfile.TemporaryDirectory()
        built = build(Path(self.root), Path(self._folder.name))
        build_data["force_include"][str(built)] = f"breaker/{built.name}"
        build_data["pure_python"] = False
        build_data["infer_tag"] = True


def build(root: Path, folder: Path) -> Path:
    """Compiles the source below `root` into `folder`; returns the extension there.

    Raises:
        distutils.errors.CompileError: there is no C compiler, or no Python headers.
    """
    from Cython.Build import cythonize  # noqa: PLC0415 - needed only to build
    from setuptools import Extension  # noqa: PLC0415
    from setuptools.dist import Distribution  # noqa: PLC0415

    work = folder / "work"
    (work / "breaker").mkdir(parents=True)
    for name in ("__init__.py", "hot_path.py", "hot_path.pxd"):
        shutil.copy(root / "breaker" / name, work / "breaker" / name)
    modules = cythonize(
        [Extension("breaker.hot_path", [str(work / SOURCE)], extra_compile_args=["-O2", "-g0"])],
        build_dir=str(work),
        compiler_directives={"language_level": 3},
        quiet=True,
    )
    distribution = Distribution({"ext_modules": modules, "script_args": ["-q"]})
    command = distribution.get_command_obj("build_ext")
    command.build_lib, command.build_temp = str(folder), str(work)
    command.ensure_finalized()
    command.run()
    shutil.rmtree(work)
    return folder / "breaker" / f"hot_path{sysconfig.get_config_var('EXT_SUFFIX')}"


def has_gil() -> bool:
    """Whether this Python has one; the extension is for such alone."""
    return not sysconfig.get_config_var("Py_GIL_DISABLED")


if __name__ == "__main__":
    if not has_gil():
        sys.exit(ALWAYS_PURE)
    here = Path(__file__).resolve().parent
    target = Path(sys.argv[1] if len(sys.argv) > 1 else here / "breaker").resolve()
    with tempfile.TemporaryDirectory() as temporary:
        extension = build(here, Path(temporary))
        print(shutil.copy(extension, target / extension.name))  # noqa: T201 - it is a command
