"""Run hexseal as ``python -m hexseal``."""

from hexseal.cli import main

main()
