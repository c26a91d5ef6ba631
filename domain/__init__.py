"""Shared by handlers, scan and the commands: ids, times, evidence, the report. Stdlib only."""
