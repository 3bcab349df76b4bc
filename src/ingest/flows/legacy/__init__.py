"""The way out of a legacy database, and in: an archive is written, read, looked over.

`archive` is the reader, `manifest` what an archive says of itself, `lines` its rows, `writing` how
one comes into a directory whole or not at all; `export` fills one from a database, `checking` looks
whether one is sound.
"""
