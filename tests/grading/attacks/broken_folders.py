"""Submissions whose folder is not what it should be."""

import os

from tests.grading.attacks.broken import FULL, NOTEBOOK, broken, write


@broken("is missing")
def empty_folder(folder, text):
    """The folder is empty."""
    folder.mkdir(parents=True)


@broken("is taken for it", FULL)
def renamed(folder, text):
    """The notebook has another name."""
    write(folder, text, "My solution (final) [2].ipynb")


@broken("is missing")
def renamed_twice(folder, text):
    """There are two notebooks, both of other names."""
    write(folder, text, "a.ipynb")
    write(folder, text, "b.ipynb")


@broken("is missing")
def other_files(folder, text):
    """There are only a document and an archive."""
    write(folder, b"%PDF", "solution.pdf")
    write(folder, b"PK", "lqr.ipynb.zip")


@broken(None, FULL)
def extra_files(folder, text):
    """There are pictures, folders and hidden files beside the notebook."""
    write(folder, text)
    write(folder, b"x" * 1000, "picture.png")
    write(folder / ".git" / "objects", b"x")
    write(folder / "__MACOSX" / "._x", b"x")
    write(folder / "data" / "deep" / "deeper", "1,2,3", "data.csv")


@broken("is not a file")
def a_folder_in_its_place(folder, text):
    """A folder has the notebook's name, and the notebook lies in it."""
    write(folder / NOTEBOOK, text)
    write(folder / NOTEBOOK, "x", "x.txt")


@broken("is a link")
def a_dangling_link(folder, text):
    """The notebook is a link to nowhere."""
    folder.mkdir(parents=True)
    (folder / NOTEBOOK).symlink_to("nowhere.ipynb")


@broken("is a link")
def a_link_to_the_solution(folder, text):
    """The notebook is a link to the course's own solution."""
    folder.mkdir(parents=True)
    (folder / NOTEBOOK).symlink_to(folder.parents[2] / "solutions" / "01_lqr" / NOTEBOOK)


@broken("is not a file")
def a_pipe(folder, text):
    """The notebook is a pipe, which nobody writes to."""
    folder.mkdir(parents=True)
    os.mkfifo(folder / NOTEBOOK)


@broken("the folder is a link")
def the_folder_is_a_link(folder, text):
    """The submission is a link to somebody else's."""
    folder.parent.mkdir(parents=True)
    folder.symlink_to(folder.parents[1] / "honest_0" / "01_lqr")


@broken("the folder is a link")
def the_student_is_a_link(folder, text):
    """The student's folder is a link to somebody else's."""
    folder.parent.symlink_to(folder.parents[1] / "honest_0")


@broken("the folder is a link")
def a_link_to_itself(folder, text):
    """The submission is a link to itself."""
    folder.parent.mkdir(parents=True)
    folder.symlink_to(folder)


@broken("is a file, not a folder")
def a_file_in_its_place(folder, text):
    """The submission is a file."""
    folder.parent.mkdir(parents=True)
    folder.write_text(text)


@broken("holds no time", FULL)
def a_time_that_is_none(folder, text):
    """A file says that the work was handed in at no time."""
    write(folder, text)
    write(folder, "yesterday", "timestamp.txt")
