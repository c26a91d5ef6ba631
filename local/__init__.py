"""AWS on this machine: the real program, state machine, buildspec and handlers on moto's server."""
