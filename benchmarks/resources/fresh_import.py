"""Time imports in this fresh interpreter, which has loaded nothing else. Run it by its path.

    fresh_import.py list              modules of other distributions that `breakerd.Breaker` loads
    fresh_import.py modules MODULE…   seconds to import those
    fresh_import.py breaker MODULE…   seconds to import `Breaker` after those, and to make one

With everything in `list` loaded first, the rest of the import is our own: our modules, and those of
the standard library that nothing else needed. Seconds are CPU time, which other processes do not
lengthen. Prints JSON.
"""

import sys
from time import process_time


def main(what: str, modules: list[str]) -> object:
    """Run one of the three modes."""
    if what == "list":
        return foreign()
    start = process_time()
    for module in modules:
        __import__(module)
    loaded = process_time()
    if what == "modules":
        return loaded - start
    from breakerd import Breaker

    imported = process_time()
    breakers = [Breaker()]
    first = process_time()
    breakers += [Breaker() for _ in range(100)]
    later = (process_time() - first) / 100
    return {"import": imported - loaded, "first": first - imported, "later": later}


def foreign() -> list[str]:
    """Return the modules of other distributions that `import breakerd` loads, in that order."""
    before = set(sys.modules)
    from breakerd import Breaker  # noqa: F401 - imported for its effect on sys.modules

    loaded = [name for name in sys.modules if name not in before]
    from sysconfig import get_paths

    sites = tuple({get_paths()[kind] for kind in ("purelib", "platlib")})
    return [name for name in loaded if (_file(name) or "").startswith(sites)]


def _file(name: str) -> str | None:
    return getattr(sys.modules[name], "__file__", None)


if __name__ == "__main__":
    found = main(sys.argv[1], sys.argv[2:])
    import json

    print(json.dumps(found))
