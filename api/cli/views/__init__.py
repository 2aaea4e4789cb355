"""Format responses and reports for a terminal, a picture or a page."""
