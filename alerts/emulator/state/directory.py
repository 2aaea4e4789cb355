"""Teams and users of an emulated account, looked up by name or id.

The forms are those of https://docs.opsgenie.com/docs/team-api and
https://docs.opsgenie.com/docs/user-api.
"""

from typing import Final

from breakerd.alerts.emulator.state.alert import Json, id_of

_KEPT: Final = 1_000


class Directory:
    """Teams and users. Until the first team is added, every team exists; so do users."""

    def __init__(self) -> None:
        self._teams: dict[str, str] = {}
        self._users: dict[str, str] = {}

    def add_team(self, name: str) -> str:
        """Add a team; return its id.

        Raises:
            ValueError: there are too many.
        """
        return _add(self._teams, id_of("team", name), name)

    def add_user(self, username: str) -> str:
        """Add a user; return the id.

        Raises:
            ValueError: there are too many.
        """
        return _add(self._users, id_of("user", username), username)

    def teams(self) -> dict[str, str]:
        """Return the names of the added teams, by id."""
        return dict(self._teams)

    def team(self, identifier: str, by: str) -> Json | None:
        """Return the team of that "name" or "id"; None if there is none."""
        names = self._teams or {_id(identifier, "team", by): identifier}
        team_id = _id(identifier, "team", by)
        if team_id not in names:
            return None
        return {"id": team_id, "name": names[team_id], "description": "", "members": []}

    def user(self, identifier: str) -> Json | None:
        """Return the user of that id or username; None if there is none."""
        named = id_of("user", identifier)
        names = self._users or {named: identifier}
        user_id = identifier if identifier in names else named
        if user_id not in names:
            return None
        return {
            "id": user_id,
            "username": names[user_id],
            "fullName": names[user_id],
            "role": {"id": "User", "name": "User"},
            "blocked": False,
            "verified": True,
        }


def _add(names: dict[str, str], key: str, name: str) -> str:
    if len(names) >= _KEPT:
        raise ValueError(f"there are {_KEPT} already")
    names[key] = name
    return key


def _id(identifier: str, kind: str, by: str) -> str:
    return identifier if by == "id" else id_of(kind, identifier)
