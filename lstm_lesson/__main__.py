"""`python -m lstm_lesson`: check the set-up; exit status 1 if something is missing."""

import sys

from lstm_lesson.setup_check import report

if __name__ == "__main__":
    found = report()
    print(found)
    sys.exit(0 if found.complete else 1)
