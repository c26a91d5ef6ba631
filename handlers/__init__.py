"""What runs in Lambda: says why a scan ended as it did, records decisions, tells of them."""
