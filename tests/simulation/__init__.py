"""Deterministic simulation: uploads, clicks, faults and deadlines in random order, in virtual time.

- ``aws/``: a fake AWS on which the real handlers and the real state machine run.
- ``generator`` and ``fault_plans`` make a scenario (plain data) from a seed; ``anchors`` are the
  points in time that its actions refer to; ``users`` act; ``scenario`` runs it and returns a
  ``trace``.
- ``model/`` checks the trace against what the docs promise, and shares no code with the pipeline.
- ``campaign`` runs many seeds, ``shrink`` reduces a failing scenario, ``formatting`` prints a run.
- ``kept/``: one small scenario for each bug that was found, with the fix that it tests.
- ``without`` removes a fix, to see that the model notices; ``earlier_bugs`` has the older code
  that replaces it.
- ``make simulate`` runs 25,000; ``python -m tests.simulation --help`` lists the options.
"""
