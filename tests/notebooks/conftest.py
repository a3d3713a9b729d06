"""A test that takes `lecture`, `solution`, `exercise`, `assignment` or `notebook` runs on each one."""

from pathlib import Path

COURSE = Path(__file__).parents[2]
NOTEBOOKS = {
    "lecture": sorted(COURSE.glob("lectures/*.ipynb")),
    "solution": sorted(COURSE.glob("solutions/*/*.ipynb")),
    "exercise": sorted(COURSE.glob("exercises/*/*.ipynb")),
}
NOTEBOOKS["assignment"] = NOTEBOOKS["solution"] + NOTEBOOKS["exercise"]
NOTEBOOKS["notebook"] = NOTEBOOKS["lecture"] + NOTEBOOKS["assignment"]


def pytest_generate_tests(metafunc):
    for kind in NOTEBOOKS.keys() & set(metafunc.fixturenames):
        names = [path.relative_to(COURSE).as_posix() for path in NOTEBOOKS[kind]]
        metafunc.parametrize(kind, NOTEBOOKS[kind], ids=names)
