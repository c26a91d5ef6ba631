"""What exists in AWS: one ComponentResource for each layer."""
