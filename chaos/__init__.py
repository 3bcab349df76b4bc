"""A stream of deliveries of all sources through the real processes while faults strike them."""
