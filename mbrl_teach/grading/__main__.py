"""Grade a class: ``python -m mbrl_teach.grading 01_lqr``."""

import os
import sys

# Of jsonschema's imports, nbformat's validator, the grammar of internationalised addresses alone takes half
# of the grader's start, in each worker again; nobody here asks for it.
sys.modules.setdefault("rfc3987_syntax", None)

from mbrl_teach.grading.command_line import main  # noqa: E402

if __name__ == "__main__":
    os.environ.setdefault("PYTHONWARNINGS", "ignore")
    sys.exit(main())
