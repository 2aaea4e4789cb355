"""The section `[fleet]` of the file: where the processes of a service meet, and by which name."""
