"""What runs in Lambda: evaluates scans, records decisions, and notifies people about them."""
