"""A payment service with real problems: its quality gate fails."""
