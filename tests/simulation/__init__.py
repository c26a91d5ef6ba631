"""Deterministic simulation: random orders of uploads, clicks, faults and ends, in virtual time.

- ``aws/``: a fake AWS on which the real handlers and the real state machine run.
- ``generator`` and ``fault_plans`` make a scenario, plain data, from a seed; ``anchors`` are the
  moments to which it ties what happens; ``people`` do it; ``scenario`` runs it to a ``trace``.
- ``model/`` evaluates the trace by what the docs promise, and knows nothing of the code.
- ``campaign`` runs many seeds, ``shrink`` makes a failing one small, ``shown`` prints one.
- ``kept/``: small scenarios of all that went wrong once, each with the fix that it is for.
- ``without`` takes a fix out again, to see that the model notices; ``older`` is what is stored
then.
- ``make simulate`` runs 25,000; ``python -m tests.simulation --help`` says what else there is.
"""
