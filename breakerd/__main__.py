"""`python -m breakerd` is the command `breakerd`."""

from breakerd.main import main

if __name__ == "__main__":
    main()
