"""Length limits of OpsGenie's alert API, in characters unless stated otherwise.

Source: https://docs.opsgenie.com/docs/alert-api
"""

from typing import Final

MESSAGE: Final = 130
DESCRIPTION: Final = 15_000
TAGS: Final = 20
"""Maximum number of tags."""
TAG: Final = 50
DETAILS: Final = 8_000
"""Maximum length of all keys and values of the details together."""
NOTE: Final = 25_000
ENTITY: Final = 512
SOURCE: Final = 100
