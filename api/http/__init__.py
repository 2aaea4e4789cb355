"""Parts that all routes share: context, route class, event feed, metrics."""
