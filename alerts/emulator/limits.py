"""What OpsGenie takes, and answers 422 to the rest."""

from typing import Any, Final

from alerts.emulator.book import PRIORITIES

MESSAGE: Final = 130
ALIAS: Final = 512
DESCRIPTION: Final = 15_000
ENTITY: Final = 512
SOURCE: Final = 100
TAGS: Final = 20
TAG: Final = 50
DETAILS: Final = 8_000
RESPONDERS: Final = 50
NOTE: Final = 25_000
USER: Final = 100

_LENGTHS: Final = {
    "message": MESSAGE,
    "alias": ALIAS,
    "description": DESCRIPTION,
    "entity": ENTITY,
    "source": SOURCE,
    "note": NOTE,
    "user": USER,
}


def complaint(action: str, body: Any) -> str | None:  # noqa: ANN401 - whatever came as JSON
    """What is wrong with the body of that action, in words; None if nothing is."""
    if not isinstance(body, dict):
        return "Request body is not processable. Please check the errors."
    required = {"Create": "message", "AddNote": "note", "UpdatePriority": "priority"}.get(action)
    if required and not body.get(required):
        return f"{required} can not be empty"
    for name, longest in _LENGTHS.items():
        value = body.get(name, "")
        if not isinstance(value, str):
            return f"{name} must be a string"
        if len(value) > longest:
            return f"{name} can not be longer than {longest} characters"
    if "priority" in body and body["priority"] not in PRIORITIES:
        return f"priority must be one of {', '.join(PRIORITIES)}"
    return (
        _about_tags(body.get("tags", []))
        or _about_details(body.get("details", {}))
        or (_about_responders(body.get("responders", [])))
    )


def _about_tags(tags: Any) -> str | None:  # noqa: ANN401
    if not isinstance(tags, list) or not all(isinstance(tag, str) for tag in tags):
        return "tags must be a list of strings"
    if len(tags) > TAGS:
        return f"there can not be more than {TAGS} tags"
    if any(len(tag) > TAG for tag in tags):
        return f"a tag can not be longer than {TAG} characters"
    return None


def _about_details(details: Any) -> str | None:  # noqa: ANN401
    if not isinstance(details, dict) or not all(isinstance(v, str) for v in details.values()):
        return "details must be a map of strings to strings"
    if sum(len(key) + len(value) for key, value in details.items()) > DETAILS:
        return f"details can not be longer than {DETAILS} characters in all"
    return None


def _about_responders(responders: Any) -> str | None:  # noqa: ANN401
    if not isinstance(responders, list) or len(responders) > RESPONDERS:
        return f"responders must be a list of at most {RESPONDERS}"
    if any(not isinstance(one, dict) or "type" not in one for one in responders):
        return "a responder must be an object with a type"
    return None
