"""Other revisions of the breaker, imported into this process under names of their own.

So two revisions, or one of them twice, can be measured side by side in the same rounds.
"""

import importlib
import re
import shutil
import subprocess
import sys
import tarfile
from io import BytesIO
from pathlib import Path
from types import ModuleType
from typing import Final

from benchmarks.harness.child import ROOT
from benchmarks.harness.figures import UnavailableError

_PACKAGES: Final = ("breakerd", "breaker")
"""Names of the package with the public `Breaker`, newest first; older revisions have the latter."""


def check_out(source: str, folder: Path) -> Path:
    """Return the folder of a revision.

    Args:
        source: a folder, which is returned as it is, or a commit of this repository.
        folder: an empty folder; the commit is extracted there.

    Raises:
        UnavailableError: `source` is neither, or git is not installed.
    """
    if Path(source).is_dir():
        return Path(source).resolve()
    git = shutil.which("git")
    if git is None:
        raise UnavailableError("git is not installed")
    command = [git, "archive", "--format=tar", "--end-of-options", source]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, check=False)  # noqa: S603 - git, found by its name
    if done.returncode:
        raise UnavailableError(f"{source} is neither a folder nor a commit of this repository")
    with tarfile.open(fileobj=BytesIO(done.stdout)) as archive:
        if data_filter := getattr(tarfile, "data_filter", None):  # from 3.11.4 on
            archive.extraction_filter = data_filter
        archive.extractall(folder)  # noqa: S202 - a commit of this repository
    return folder


def load(source: Path, folder: Path, name: str) -> ModuleType:
    """Import the package of the revision in `source` as `name`, from a copy in `folder`.

    The copy imports itself by its new name, so revisions share no module. `folder` must last as
    long as the module is used, since some imports happen late.

    Raises:
        UnavailableError: there is no such package, or it needs one that is not installed.
    """
    found = [package for package in _PACKAGES if (source / package / "__init__.py").is_file()]
    if not found:
        raise UnavailableError(f"there is no breaker in {source}")
    copy = folder / name
    shutil.copytree(source / found[0], copy, ignore=shutil.ignore_patterns("__pycache__"))
    own_name = re.compile(rf"(?m)(^\s*(?:from|import) |[\"']){found[0]}(?=[. ])")
    for file in copy.rglob("*.py"):
        file.write_text(own_name.sub(rf"\g<1>{name}", file.read_text()))
    sys.path.insert(0, str(folder))
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise UnavailableError(f"the breaker in {source} cannot be imported: {error}") from error
    finally:
        sys.path.remove(str(folder))
