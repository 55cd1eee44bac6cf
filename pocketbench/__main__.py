"""`python -m pocketbench`."""

from pocketbench.bench.cli import main

if __name__ == "__main__":
    main()
