"""Alerting: one alert per incident, delivered whatever breaks on the way."""
