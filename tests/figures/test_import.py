"""Only the room that draws imports what draws."""

import subprocess
import sys


def test_importing_the_package_imports_nothing_that_draws():
    heavy = "{'matplotlib', 'ipywidgets', 'PIL', 'IPython'} & {name.split('.')[0] for name in sys.modules}"
    code = f"import sys, mbrl_teach, mbrl_teach.figures; print({heavy})"
    printed = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert printed.strip() == "set()"
