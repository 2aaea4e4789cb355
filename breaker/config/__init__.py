"""The TOML file: read with line numbers, checked as a whole, watched, applied, written back."""

from breaker.config.document import Document, parse_document, read_document
from breaker.config.file import ConfigFile, Participant, ReloadStatus
from breaker.config.scan import Key
from breaker.config.sections import BreakerSections, read_sections
from breaker.config.validate import validate

__all__ = [
    "BreakerSections",
    "ConfigFile",
    "Document",
    "Key",
    "Participant",
    "ReloadStatus",
    "parse_document",
    "read_document",
    "read_sections",
    "validate",
]
