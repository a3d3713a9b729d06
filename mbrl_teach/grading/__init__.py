"""What grades and keeps the course's notebooks: the checks, nbgrader's plug-ins and the normaliser."""
