"""`python -m mediclip_index`."""

from mediclip_index.cli import main

if __name__ == "__main__":
    main()
