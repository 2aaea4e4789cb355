"""Links of alerts to the pages of the admin plane."""

from urllib.parse import quote

from breakerd.alerts.model.incident import Incident


def page_of(incident: Incident, public_url: str) -> str:
    """Return the address of the incident on the dashboard, from which its report is had, too."""
    return f"{public_url}/#alert={quote(incident.id, safe='')}"
