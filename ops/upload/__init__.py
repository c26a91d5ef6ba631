"""upload: packs code, sends it to an environment, and records where it comes from."""
