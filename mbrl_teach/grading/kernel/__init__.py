"""What runs beside a student's code while it is graded. Nothing here is secret.

`warm_start` is the process that has imported what students import. It forks one process a submission, shut in
by `namespaces`, in which `student_kernel` runs the student's cells in `shell`, and calls the student's
functions when the examiner asks. What crosses between the two is `plain_data`.
"""
