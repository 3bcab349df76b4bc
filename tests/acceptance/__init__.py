"""The promises, kept by real processes: receiver, worker and beat, over HTTP, killed, flushed."""
