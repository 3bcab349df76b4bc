"""`python -m ingest.cli` is `ingest`."""

from ingest.cli.main import main

main()
