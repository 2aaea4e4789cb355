"""Run the command `breakerd` by `python -m breakerd`."""

from breakerd.main import main

if __name__ == "__main__":
    main()
