"""The providers, one folder for each, and the laws that all of them share."""
