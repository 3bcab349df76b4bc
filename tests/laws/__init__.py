"""The laws of sources, judged by sources that break them."""
