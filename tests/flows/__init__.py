"""What happens in which order, from the request to the documents."""
