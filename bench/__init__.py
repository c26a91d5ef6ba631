"""How long things take, each against its bare counterpart."""
