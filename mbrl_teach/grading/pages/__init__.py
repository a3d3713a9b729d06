"""The pages that nbgrader makes of notebooks: formgrader's for the teacher, feedback for the student.

They are nbgrader's own, by the settings of `c.HTMLExporter` in nbgrader_config.py, with two things changed:
what students write cannot act in the reader's browser (`safe_markdown`), and formulas are set without the
network (`formulas`).
"""
