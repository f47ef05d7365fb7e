"""Empty functions, 64 bytes in and out, by parrun's peers. Prints tasks a second.

    mpirun -n 3 python3 -m mpi4py.futures peers.py mpi4py TASKS CHUNK
    peers.py joblib TASKS
"""

import sys
import time


def answer(question):
    return question


def by_mpi4py(count, chunk):
    from mpi4py.futures import MPIPoolExecutor

    with MPIPoolExecutor() as pool:
        list(pool.map(answer, [b"x" * 64] * 100))
        start = time.perf_counter()
        for _ in pool.map(answer, (b"x" * 64 for _ in range(count)), chunksize=chunk, unordered=True):
            pass
        return time.perf_counter() - start


def by_joblib(count):
    from joblib import Parallel, delayed

    with Parallel(n_jobs=2) as parallel:
        parallel(delayed(answer)(b"x" * 64) for _ in range(100))
        start = time.perf_counter()
        parallel(delayed(answer)(b"x" * 64) for _ in range(count))
        return time.perf_counter() - start


if __name__ == "__main__":
    tasks = int(sys.argv[2])
    span = by_mpi4py(tasks, int(sys.argv[3])) if sys.argv[1] == "mpi4py" else by_joblib(tasks)
    print(tasks / span)
