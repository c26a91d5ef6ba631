"""The code of the Lambda functions: explains scan results, records decisions, and notifies."""
