"""A small inventory: its quality gate passes."""
