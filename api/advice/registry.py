"""All rules, in the order of the list."""

from typing import Final

from breakerd.api.advice.rule import Rule
from breakerd.api.advice.rules import (
    access,
    capacity,
    fleet,
    latency,
    muting,
    receivers,
    record,
    recovery,
    stages,
)

UNKNOWN_RULE: Final = "unknown-rule"
"""Name of the rule about allow comments, which no comment silences."""

RULES: Final[tuple[Rule, ...]] = (
    *latency.RULES,
    *recovery.RULES,
    *capacity.RULES,
    *record.RULES,
    *receivers.RULES,
    *stages.RULES,
    *muting.RULES,
    *access.RULES,
    *fleet.RULES,
)
"""The rules about settings."""
NAMES: Final = tuple(rule.name for rule in RULES)
"""Names that an allow comment may have."""


def all_rules() -> dict[str, str]:
    """Return the meaning of each rule, that about comments too, by name."""
    found = {rule.name: rule.meaning for rule in RULES}
    found[UNKNOWN_RULE] = (
        "A comment `# breakerd: allow …` is misspelt, or names a rule that does not exist."
    )
    return found
