"""Checks what an environment needs before `pulumi up`, and whether it is intact after it."""
