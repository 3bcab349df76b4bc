"""`ingest demo`: one short story over every source that is built, through the whole stack.

Providers' names are allowed here: `cast` holds a module for each, found through the registry.
"""
