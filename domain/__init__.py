"""Shared by handlers, scan and commands: ids, timestamps, evidence, reports. Stdlib only."""
