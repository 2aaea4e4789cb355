"""Write text and JSON that every reader takes: no control characters, no infinity."""
