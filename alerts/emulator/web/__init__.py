"""HTTP server of the emulator, and its console."""
