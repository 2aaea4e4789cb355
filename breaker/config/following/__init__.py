"""Those who follow a configuration file: owners of its sections, and listeners to its changes."""
