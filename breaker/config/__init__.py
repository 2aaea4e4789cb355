"""The configuration file: parsed with line numbers, validated, watched, applied, written back."""

from breakerd.breaker.config.config_file import ConfigFile
from breakerd.breaker.config.document import Document, parse_document, read_document
from breakerd.breaker.config.following.subscriber import ConfigSubscriber, ReloadStatus
from breakerd.breaker.config.sections import BreakerSections, read_sections
from breakerd.breaker.config.tolerated import ConfigWarning, WarningLog, tolerated
from breakerd.breaker.config.toml.scan import Key
from breakerd.breaker.config.validate import validate
from breakerd.breaker.config.validation_cache import ValidationCache

__all__ = [
    "BreakerSections",
    "ConfigFile",
    "ConfigSubscriber",
    "ConfigWarning",
    "Document",
    "Key",
    "ReloadStatus",
    "ValidationCache",
    "WarningLog",
    "parse_document",
    "read_document",
    "read_sections",
    "tolerated",
    "validate",
]
