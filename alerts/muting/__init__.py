"""Hold alerts back: silences, maintenance windows, inhibition."""
