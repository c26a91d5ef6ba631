"""Policies, secrets and dependencies, checked by tools of their own."""
