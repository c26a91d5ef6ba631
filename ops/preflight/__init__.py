"""Checks what an environment needs before `pulumi up`, and whether it stands after it."""
