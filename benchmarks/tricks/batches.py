"""How many calls one batch should have."""

from typing import TYPE_CHECKING, Final, cast

from benchmarks.figures import Effort, Figure
from benchmarks.tricks.difference import SAME, Change, figures
from benchmarks.tricks.undone import Field, Undone, own
from breaker.careful_path import CarefulPath

if TYPE_CHECKING:
    from types import FunctionType

SIZES: Final = (64, 256, 1024, 2048, 8192, 16_384)
USUAL: Final = 4096


def measure(effort: Effort) -> list[Figure]:
    """Smaller and larger ones than ours."""
    field = Field(effort)
    names = {size: f"batches of {size:,}" for size in SIZES}
    for size, name in names.items():
        field.add(name, of_size(size)())
    rows = [Change(f"{SAME} (batches)", SAME, note="the control: noise")]
    rows += [Change(name, name, note=f"in place of {USUAL:,}") for name in names.values()]
    return figures(field.run(), rows)


def of_size(size: int) -> type[Undone]:
    """A breaker with batches of so many calls."""
    more = own(cast("FunctionType", vars(CarefulPath)["_more"]), _ANSWERS=size)
    return type("Sized", (Undone,), {"_more": more, "__slots__": ()})
