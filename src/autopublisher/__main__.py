"""``python -m autopublisher``: the command line."""

from autopublisher.cli import main

if __name__ == "__main__":
    main()
