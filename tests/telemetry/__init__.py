"""Traces and reports of faults: what is told, to whom, and what never is."""
