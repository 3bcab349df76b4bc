"""Traces (OpenTelemetry) and reports of faults (Sentry's SDK): optional, and off unless asked for.

`tracing` and `faults` say whether they are on, and load no library where they are not.
"""
