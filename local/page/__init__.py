"""The local pipeline in a browser: ``make up``."""
