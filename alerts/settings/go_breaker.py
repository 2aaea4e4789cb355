"""Values of `[opsgenie]` as go-breaker takes them, where these are not allowed here.

go-breaker takes an empty text for "not set", and its own example has booleans and numbers among the
attributes, whose values are text.
"""

from collections.abc import Mapping
from typing import Any, Final

from breakerd.alerts.settings.opsgenie import OpsGenieSettings
from breakerd.breaker.config import ConfigWarning, Document, Key, tolerated
from breakerd.breaker.config.tolerated import NOT_SET

_SECTION: Final = "opsgenie"
_ATTRIBUTES: Final = "api_custom_attributes"
_POLICIES: Final = "environment_settings"
_NEVER_EMPTY: Final = frozenset(
    {"region", "priority", "initial_alert_priority", "escalated_alert_priority", "source"}
)


def accept(document: Document) -> tuple[Any, list[ConfigWarning]]:
    """Return `[opsgenie]` with go-breaker's values replaced by those that are meant."""
    own = document.data.get(_SECTION, {})
    if not isinstance(own, dict):
        return own, []
    warnings: list[ConfigWarning] = []
    accepted = _without_empty(document, own, (_SECTION,), warnings)
    if isinstance(attributes := own.get(_ATTRIBUTES), dict):
        accepted[_ATTRIBUTES] = {
            name: _as_text(document, name, value, warnings) for name, value in attributes.items()
        }
    if isinstance(policies := own.get(_POLICIES), dict):
        accepted[_POLICIES] = {
            name: _without_empty(document, policy, (_SECTION, _POLICIES, name), warnings)
            if isinstance(policy, dict)
            else policy
            for name, policy in policies.items()
        }
    return accepted, warnings


def _without_empty(
    document: Document, table: Mapping[str, Any], at: Key, warnings: list[ConfigWarning]
) -> dict[str, Any]:
    empty = {name for name, value in table.items() if name in _NEVER_EMPTY and value == ""}
    warnings += [tolerated(document, (*at, name), "", NOT_SET) for name in table if name in empty]
    return {name: value for name, value in table.items() if name not in empty}


def _as_text(document: Document, name: str, value: Any, warnings: list[ConfigWarning]) -> Any:
    if not isinstance(value, bool | int | float):
        return value
    text = str(value).lower() if isinstance(value, bool) else str(value)
    misplaced = ""
    if name in OpsGenieSettings.model_fields:
        misplaced = f"; for the setting {name!r}, write it above [{_SECTION}.{_ATTRIBUTES}]"
    key = (_SECTION, _ATTRIBUTES, name)
    warnings.append(tolerated(document, key, value, f'the text "{text}"{misplaced}'))
    return text
