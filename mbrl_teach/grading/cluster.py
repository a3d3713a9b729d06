"""A Dask cluster as a pool of workers.

Every machine of the cluster sees the course's folder at the same path, has the same version of this package,
and bubblewrap. Its workers grade one submission at a time, for nbgrader changes the working folder of its
process: so they are processes of one thread each,

    dask scheduler
    dask worker tcp://SCHEDULER:8786 --nthreads 1 --nworkers auto
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from concurrent.futures import Executor
from contextlib import contextmanager, suppress

from mbrl_teach.grading.examiner import close_sandboxes

PATIENCE = 30  # seconds for the scheduler to answer, and for a first worker


class NoCluster(RuntimeError):
    """No scheduler answers, or it has no workers."""


@contextmanager
def cluster(scheduler: str) -> Iterator[Executor]:
    """The workers of the scheduler at this address."""
    try:
        from distributed import Client
    except ImportError as error:
        raise NoCluster("a cluster needs Dask: pip install 'mbrl_teach[cluster]'") from error
    try:
        client = Client(scheduler, set_as_default=False, timeout=PATIENCE)
    except (OSError, ValueError) as error:
        raise NoCluster(f"no Dask scheduler answers at {scheduler}: {error}") from error
    with client:
        try:
            client.wait_for_workers(1, timeout=PATIENCE)
        except TimeoutError as error:
            raise NoCluster(f"the scheduler at {scheduler} has no workers") from error
        wide = [worker for worker, threads in client.nthreads().items() if threads > 1]
        if wide:
            print(
                f"{len(wide)} of the cluster's workers have several threads, and grade one submission at a "
                "time all the same: start them with `dask worker ADDRESS --nthreads 1 --nworkers auto`",
                file=sys.stderr,
            )
        try:
            yield client.get_executor(pure=False, retries=1)
        finally:
            with suppress(Exception):  # a worker that is gone has closed its own
                client.run(close_sandboxes)
