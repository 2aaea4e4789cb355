"""The emulator's server and its page for people."""
