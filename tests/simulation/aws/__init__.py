"""A fake AWS in virtual time, on which the real handlers and state machine run."""
