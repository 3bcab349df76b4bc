"""The targets, by name: what reads what strangers send, one room for each kind."""
