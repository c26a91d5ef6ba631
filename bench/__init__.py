"""How long things take, each against a baseline: the least that leads to the same result."""
