"""Run hexseal as ``python -m hexseal``."""

from hexseal.cli.main import main

main()
