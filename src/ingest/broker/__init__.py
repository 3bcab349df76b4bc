"""The broker, whichever it is: where it is, how it is reached, and whether it carries messages.

Law: nothing that is told of a broker says a password, and nobody waits for one without an end.
"""
