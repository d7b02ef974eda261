"""Run as ``python -m hexseal_ml``."""

from hexseal_ml.cli import main

if __name__ == "__main__":
    main()
