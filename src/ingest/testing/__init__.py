"""For whoever writes a source: the scaffolding of a fake provider, samples, recorded payloads.

A public room: an author outside imports from here. Nothing of the program imports it but the demo,
so that nothing of it is loaded while the program runs.
"""
