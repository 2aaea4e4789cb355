"""Formatting of figures and texts for people."""


def format_duration(seconds: float) -> str:
    """Return a duration as text: 42 s, 5 min 3 s, 2 h 10 min."""
    whole = max(0, round(seconds))
    if whole < 60:
        return f"{whole} s"
    minutes, rest = divmod(whole, 60)
    if minutes < 60:
        return f"{minutes} min {rest} s" if rest else f"{minutes} min"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if minutes else f"{hours} h"


def truncate(text: str, limit: int) -> str:
    """Return `text`, cut to `limit` characters with an ellipsis at the end if it is longer."""
    return text if len(text) <= limit else text[: limit - 1].rstrip() + "…"


def ordinal(number: int) -> str:
    """Return the ordinal number: 2nd, 3rd, 11th."""
    if number % 100 in {11, 12, 13}:
        return f"{number}th"
    return f"{number}{ {1: 'st', 2: 'nd', 3: 'rd'}.get(number % 10, 'th') }"
