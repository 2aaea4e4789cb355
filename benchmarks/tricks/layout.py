"""Attributes in a dictionary of the instance, in place of slots."""

from types import CellType, FunctionType, GetSetDescriptorType, MemberDescriptorType
from typing import Any, cast

from benchmarks.figures import Effort, Figure
from benchmarks.tricks.difference import SAME, Change, figures
from benchmarks.tricks.undone import Field
from breaker import Breaker
from breaker.careful_path import CarefulPath
from breaker.hot_path import HotPath


def measure(effort: Effort) -> list[Figure]:
    """The same methods in classes without slots: all attributes in the dictionary, and a few."""
    many, hot = "all attributes in a dictionary", "the hot path's attributes in a dictionary"
    field = Field(effort)
    field.add(many, without_slots(path=False, rest=False)())
    field.add(hot, without_slots(path=False, rest=True)())
    rows = [Change(f"{SAME} (layout)", SAME, note="the control: noise")]
    rows += [
        Change(many, many, note=f"{len(attributes(Breaker))} of them, which is more than 30"),
        Change(hot, hot, note=f"{len(attributes(HotPath))} of them; slots for the rest"),
    ]
    return figures(field.run(), rows)


def attributes(kind: type) -> list[str]:
    """The slots of a class and of those it derives from."""
    names = [name for one in kind.__mro__ for name in vars(one).get("__slots__", ())]
    return [name for name in names if not name.startswith("__")]


def without_slots(*, path: bool, rest: bool) -> type[Breaker]:
    """`Breaker` once more, with slots for what the hot path or the rest of it has, or without."""
    hot = remade(HotPath, (), slots=path)
    careful = remade(CarefulPath, (hot,), slots=rest)
    return cast("type[Breaker]", remade(Breaker, (careful,), slots=rest))


def remade(kind: type, bases: tuple[type, ...], *, slots: bool) -> type:
    """A class with the methods of `kind`, in code of their own."""
    cell = CellType()
    body = {name: moved(value, cell) for name, value in vars(kind).items() if stays(name, value)}
    if slots:
        inherited = any(hasattr(one, "__dict__") and one.__dictoffset__ for one in bases)
        body["__slots__"] = [
            name
            for name in vars(kind)["__slots__"]
            if not (inherited and name in {"__dict__", "__weakref__"})
        ]
    made = type(kind.__name__, bases, body)
    cell.cell_contents = made
    return made


def stays(name: str, value: object) -> bool:
    """Whether it is part of a class as it was written: no slot, and nothing made of slots."""
    made = isinstance(value, MemberDescriptorType | GetSetDescriptorType)
    return not made and name != "__slots__"


def moved(value: Any, cell: CellType) -> Any:  # noqa: ANN401 - whatever stands in a class
    """A function with code of its own, whose `super()` means the class of `cell`; else `value`."""
    if not isinstance(value, FunctionType):
        return value
    closure = (cell,) if value.__code__.co_freevars == ("__class__",) else value.__closure__
    code = value.__code__.replace()
    function = FunctionType(code, value.__globals__, value.__name__, value.__defaults__, closure)
    function.__kwdefaults__ = value.__kwdefaults__
    return function
