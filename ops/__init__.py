"""The command line for day two: operating an environment after `pulumi up`."""
