"""`python -m orderlane`: the command line."""

from orderlane.cli import main

if __name__ == "__main__":
    main()
