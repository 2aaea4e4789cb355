"""Change settings of one breaker, if a condition holds at the moment of the change."""

from collections.abc import Callable, Mapping

from breakerd.breaker.config import Document, Key
from breakerd.breaker.config.settings_change import SettingsChange
from breakerd.breaker.registry.registry import Registry


def change_if(
    registry: Registry,
    name: str,
    values: Mapping[str, object],
    require: Callable[[], None] | None,
) -> None:
    """Change settings of one breaker; see `Registry.change`.

    Args:
        registry: the breakers.
        name: existing breaker.
        values: by the names of the file.
        require: called when no other process can change the file, and what others have changed is
            in force. What it raises is passed on; nothing is changed.
    """
    if require is None or registry.config is None:
        if require is not None:
            require()
        registry.change(name, values)
        return
    change, condition = SettingsChange(values), require

    def wanted(document: Document) -> Mapping[Key, object]:
        condition()
        return registry.file_changes(name, change, document)

    registry.config.change(wanted)
