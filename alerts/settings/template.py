"""Templates with `$NAME`: the fields of webhook bodies, and the check of a template."""

from collections.abc import Sequence
from difflib import get_close_matches
from string import Template
from typing import Final

FIELDS: Final = (
    "event", "alias", "breaker", "breakers", "kind", "priority", "message", "description", "note",
    "opened_at", "since", "drill",
)  # fmt: skip
"""Names that a template may use, in the order of a body without a template."""


def template_problem(template: str, fields: Sequence[str] = FIELDS) -> str:
    """Return what a valid template looks like if `template` is not one; empty if it is.

    Args:
        template: text with `$NAME` or `${NAME}`.
        fields: names that it may use.
    """
    try:
        Template(template).substitute(dict.fromkeys(fields, ""))
    except KeyError as error:
        # Any other name may be a part of a secret, a password with a dollar sign for example.
        close = get_close_matches(error.args[0], fields, n=1)
        meant = f"; did you mean ${close[0]}?" if close else ""
        return f"$NAME of {', '.join(fields)}{meant}"
    except ValueError:
        return "$NAME or ${NAME}, and $$ for a dollar sign"
    return ""
