"""Things that the processes of a fleet share beside their breakers."""
