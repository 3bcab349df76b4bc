"""What can go wrong with embedded servers: one class for each meaning."""


class EmbeddedError(Exception):
    """An embedded server cannot be started or reached; the message says why and what to do."""


class DataDirInUseError(EmbeddedError):
    """Another living process owns the data directory."""


class PortTakenError(EmbeddedError):
    """Somebody took the port between our choice and the server's bind: choose again."""
