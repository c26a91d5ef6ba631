"""What handlers, scan and the commands share: ids, times, evidence, the report. Stdlib only."""
