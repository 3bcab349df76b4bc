"""The documentation: its links lead somewhere, its commands run, what it quotes is what is said."""
