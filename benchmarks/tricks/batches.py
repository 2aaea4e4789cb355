"""How many calls one batch should have, and how many rejections."""

from contextlib import ExitStack
from typing import TYPE_CHECKING, Final, cast

from benchmarks.calls import empty_pair
from benchmarks.calls.contest import Contest
from benchmarks.calls.subject import Subject, entered
from benchmarks.figures import Effort, Figure
from benchmarks.tricks.difference import OURS, SAME, Change, figures
from benchmarks.tricks.undone import Field, Same, Undone, own
from breaker import Breaker, Settings, State, careful_path

if TYPE_CHECKING:
    from types import FunctionType

SIZES: Final = (64, 256, 1024, 2048, 8192, 16_384)
USUAL: Final = careful_path._ANSWERS  # noqa: SLF001 - what is compared with
REJECTED: Final = (1024, 4096, 65_536)
USUALLY_REJECTED: Final = careful_path._REJECTIONS  # noqa: SLF001 - likewise


def measure(effort: Effort) -> list[Figure]:
    """Smaller and larger ones than ours."""
    return calls(effort) + rejections(effort)


def calls(effort: Effort) -> list[Figure]:
    """Of calls that pass."""
    field = Field(effort)
    names = {size: f"batches of {size:,}" for size in SIZES}
    for size, name in names.items():
        field.add(name, of_size(size)())
    rows = [Change(f"{SAME} (batches)", SAME, note="the control: noise")]
    rows += [Change(name, name, note=f"in place of {USUAL:,}") for name in names.values()]
    return figures(field.run(), rows)


def rejections(effort: Effort) -> list[Figure]:
    """Of calls that are turned away: `allow` alone."""
    names = {size: f"rejections in batches of {size:,}" for size in REJECTED}
    kinds: dict[str, type[Breaker]] = {OURS: Breaker, SAME: Same}
    kinds |= {name: of_size(size) for size, name in names.items()}
    waiting = Settings(wait_time=3600)
    with ExitStack() as stack:
        subjects = {
            name: Subject(kind(waiting), state=State.OPEN, prepare=Breaker.trip)
            for name, kind in kinds.items()
        }
        field = [
            one.contestant(name, "b.allow()") for name, one in entered(stack, subjects).items()
        ]
        contest = Contest(effort, [empty_pair.contestant(), *field]).run()
    rows = [Change(f"{SAME} (rejections)", SAME, note="the control: noise")]
    rows += [
        Change(name, name, note=f"in place of {USUALLY_REJECTED:,}") for name in names.values()
    ]
    return figures(contest, rows)


def of_size(size: int) -> type[Undone]:
    """A breaker with batches of so many calls, or rejections."""
    more = own(
        cast("FunctionType", vars(careful_path.CarefulPath)["_more"]),
        _ANSWERS=size,
        _REJECTIONS=size,
    )
    return type("Sized", (Undone,), {"_more": more, "__slots__": ()})
