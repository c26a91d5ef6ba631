"""The command line for day two: what people do with an environment after `pulumi up`."""
