"""The command line `ingest`: thin commands over flows and store.

Data go to stdout, all else to stderr.
"""

from ingest.cli.main import main, run

__all__ = ["main", "run"]
