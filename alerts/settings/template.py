"""Templates of webhook bodies: the fields they may use, and the check of a template."""

from string import Template
from typing import Final

FIELDS: Final = (
    "event", "alias", "breaker", "breakers", "kind", "priority", "message", "description", "note",
    "opened_at", "drill",
)  # fmt: skip
"""Names that a template may use, in the order of a body without a template."""


def template_problem(template: str) -> str:
    """Return what a valid template looks like if `template` is not one; empty if it is."""
    try:
        Template(template).substitute(dict.fromkeys(FIELDS, ""))
    except KeyError as error:
        return f"$NAME of {', '.join(FIELDS)}; found ${error.args[0]}"
    except ValueError:
        return "$NAME or ${NAME}, and $$ for a dollar sign"
    return ""
