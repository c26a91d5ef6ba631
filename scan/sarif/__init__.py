"""Any tool that writes SARIF 2.1.0."""
