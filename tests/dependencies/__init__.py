"""What we stand on: pins, the set-up that installs them, and their audit."""
