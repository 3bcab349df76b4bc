"""What is in `packaging/`: as far as it can be looked at without a container engine."""
