"""The pipeline of this machine, seen in a browser: ``make up``."""
