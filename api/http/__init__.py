"""Parts that routes share: context, route classes, event feed, metrics."""
