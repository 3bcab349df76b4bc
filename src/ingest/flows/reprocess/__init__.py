"""What is stored is made anew: chunks and references from stored text, rows from raw deliveries.

`drain` is the loop; `request` asks for runs and ends them, `asked` is what they are about. A step
of documents is `documents` (look, then write) over `remake`, `stored` and `looked_at`, which are
pure; a step of raw deliveries is `deliveries`. `resync` has providers tell again what cannot be
made. `trial` says what a run would change, and writes nothing.
"""
