"""Real payloads through the whole stack: `python -m tests.corpus --corpus DIR`.

A folder of payloads that others recorded or printed is sent over HTTP, signed, as the providers
would send it. What is special about a provider stands in the module of its name; nothing is
special about any file.
"""
