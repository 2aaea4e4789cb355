"""Tells whoever must know: one alert per incident, whatever breaks on the way."""
