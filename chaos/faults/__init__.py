"""What strikes: a file for each thing that can break, and `draw`, which says what breaks when.

Law: a fault is a context manager that yields for how many seconds it lasts; after its block all is
as it was before.
"""
