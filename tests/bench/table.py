"""Measures parrun and its peers in turn and prints a table of ratios. Started by run.sh."""

import argparse
import contextlib
import os
import random
import shutil
import signal
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

SOURCE = Path(__file__).resolve().parents[2]
BUILD = SOURCE / "build/release"
BENCH = BUILD / "tests/bench"
PARRUN = BUILD / "parrun"
MODULE = BENCH / "bench_jobs.so"
PYTHON = "/usr/bin/python3"  # which has Debian's packages
LIMIT_S = 120


def run(command, folder):
    """Standard output of a command that must succeed."""
    done = subprocess.run([str(word) for word in command], cwd=folder, capture_output=True, text=True, timeout=LIMIT_S)
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(map(str, command))}: exit code {done.returncode}\n{done.stderr}")
    return done.stdout


def seconds(command, folder):
    start = time.perf_counter()
    run(command, folder)
    return time.perf_counter() - start


def mpirun(ranks, *command):
    return ["mpirun", "-n", ranks, *command]


def told(command, folder):
    """The number that a benchmark prints."""
    return float(run(command, folder).split()[-1])


class Batches:
    """jobs.bin files, each packed once."""

    def __init__(self, folder):
        self.folder = folder

    def of_calls(self, count, call, args):
        line = f'{{"call": "{call}", "args": {args}}}\n'
        return self.packed(f"{call}-{count}", "jsonl", line * count)

    def of_commands(self, count, command):
        return self.packed(f"{Path(command).name}-{count}", "txt", f"{command}\n" * count)

    def packed(self, name, kind, text):
        batch = self.folder / f"{name}.bin"
        if not batch.exists():
            source = self.folder / f"{name}.{kind}"
            source.write_text(text)
            form = ["--jsonl", "--load", MODULE] if kind == "jsonl" else []
            run([PARRUN, "pack", source, *form, "-o", batch], self.folder)
            source.unlink()
        return batch


class Bench:
    """Each method measures one thing once: a rate, the more the better, but for trips, in microseconds."""

    def __init__(self, folder, quick):
        self.folder = folder
        self.batches = Batches(folder)
        self.part = 5 if quick else 1

    def count(self, full):
        return max(full // self.part, 1)

    # parrun

    def pool(self, isolation, count, *sizes):
        return told(mpirun(3, BENCH / "pool_bench", isolation, "rate", self.count(count), *sizes), self.folder)

    def pool_threads(self):
        return self.pool("none", 2_000_000)

    def pool_processes(self):
        return self.pool("process", 1_000_000)

    def pool_results_of_1_mb(self):
        return self.pool("none", 2000, 64, 1_000_000)

    def pool_trip(self):
        return told(mpirun(3, BENCH / "pool_bench", "process", "trip", self.count(5000)), self.folder)

    def whole_run(self, batch, *options):
        """Its seconds, without mpirun's way of results to a terminal."""
        to_nowhere = ["sh", "-c", 'exec "$@" > /dev/null', "sh"]
        (self.folder / "bench.record").unlink(missing_ok=True)
        return seconds(mpirun(3, *to_nowhere, PARRUN, "-q", *options, batch), self.folder)

    def parrun(self, count, batch, empty, *options):
        """Tasks a second, mpirun's start taken off."""
        return count / (self.whole_run(batch, *options) - self.whole_run(empty, *options))

    def parrun_calls(self, full, call, args, *options):
        count = self.count(full)
        batch = self.batches.of_calls(count, call, args)
        empty = self.batches.of_calls(0, call, args)
        return self.parrun(count, batch, empty, "--load", MODULE, *options)

    def jobs_bin(self):
        return self.parrun_calls(500_000, "answer", f'["{"x" * 64}", 64]', "--isolation", "none", "--no-record")

    def jobs_bin_recorded(self):
        return self.parrun_calls(
            500_000, "answer", f'["{"x" * 64}", 64]', "--isolation", "none", "--record", "bench.record")

    def busy_1_ms(self):
        """The share of both cores' time that was work."""
        busy = self.batches.of_calls(2000, "busy", "[0.001]")
        empty = self.batches.of_calls(0, "busy", "[0.001]")
        return self.parrun(2000, busy, empty, "--load", MODULE, "--record", "bench.record") * 0.001 / 2

    def megabytes(self):
        return self.count(2000), f'["{"x" * 1_000_000}", 64]'

    def payloads_of_1_mb(self):
        return self.parrun_calls(2000, "answer", self.megabytes()[1], "--isolation", "none", "--record", "bench.record")

    def commands(self):
        count = self.count(4000)
        return self.parrun(count, self.batches.of_commands(count, "/bin/true"),
                           self.batches.of_commands(0, "/bin/true"), "--record", "bench.record")

    def commands_with_start(self):
        count = self.count(4000)
        return count / self.whole_run(self.batches.of_commands(count, "/bin/true"), "--record", "bench.record")

    # bare MPI

    def bare(self, count, size_in, size_out, flight, *record):
        return told(mpirun(3, BENCH / "bare_mpi", "farm", self.count(count), size_in, size_out, flight, *record),
                    self.folder)

    def bare_1_in_flight(self):
        return self.bare(1_000_000, 64, 64, 1)

    def bare_4_in_flight(self):
        return self.bare(2_000_000, 64, 64, 4)

    def bare_with_sqlite(self):
        (self.folder / "bare.db").unlink(missing_ok=True)
        return self.bare(500_000, 64, 64, 4, "bare.db")

    def bare_results_of_1_mb(self):
        return self.bare(2000, 64, 1_000_000, 1)

    def bare_payloads_of_1_mb(self):
        return self.bare(2000, 1_000_000, 64, 1)

    def bare_made(self, count, size_in, size_out, file):
        return told(mpirun(3, BENCH / "bare_mpi", "made", count, size_in, size_out, file), self.folder)

    def bare_results_made(self):
        return self.bare_made(self.count(2000), 64, 1_000_000, BENCH / "bare_mpi")

    def bare_payloads_from_a_file(self):
        count, args = self.megabytes()
        return self.bare_made(count, 1_000_000, 64, self.batches.of_calls(count, "answer", args))

    def bare_trip(self):
        return told(mpirun(2, BENCH / "bare_mpi", "trip", self.count(100_000)), self.folder)

    def one(self):
        return 1.0

    # peers

    def rate_of(self, full, command):
        count = self.count(full)
        return count / seconds([word(count) if callable(word) else word for word in command], self.folder)

    def xargs(self):
        count = self.count(4000)
        return count / seconds(["sh", "-c", f"seq {count} | xargs -P2 -n1 /bin/true"], self.folder)

    def spawn_loop(self):
        return self.rate_of(4000, [BENCH / "spawn_loop", str, "/bin/true"])

    def parallel(self):
        count = self.count(1000)
        return count / seconds(["sh", "-c", f"seq {count} | parallel -j2 /bin/true"], self.folder)

    def mpi4py(self, chunk, full):
        script = SOURCE / "tests/bench/peers.py"
        return told(mpirun(3, PYTHON, "-m", "mpi4py.futures", script, "mpi4py", self.count(full), chunk),
                    self.folder)

    def mpi4py_1(self):
        return self.mpi4py(1, 20_000)

    def mpi4py_100(self):
        return self.mpi4py(100, 400_000)

    def joblib(self):
        script = SOURCE / "tests/bench/peers.py"
        return told([PYTHON, script, "joblib", self.count(400_000)], self.folder)


    # figures by themselves

    def tail(self, *options):
        """Time from the first task's start to the last one's end, over the least that it can be."""
        durations = pareto(2000, 6.0, seed=1)
        lines = "".join(f'{{"call": "nap", "args": [{s:.6f}], "cost": {s:.6f}}}\n' for s in sorted(durations))
        batch = self.batches.packed("tail", "jsonl", lines)
        record = self.folder / "tail.record"
        record.unlink(missing_ok=True)
        run(mpirun(3, PARRUN, "-q", "--load", MODULE, "--record", record, *options, batch), self.folder)
        with contextlib.closing(sqlite3.connect(record)) as db:
            ended, first, total, longest = db.execute(
                "SELECT max(started + elapsed_s), min(started), sum(elapsed_s), max(elapsed_s) FROM tasks").fetchone()
        return (ended - first) / max(longest, total / 2)

    def tail_longest_first(self):
        return self.tail("--order-by", "longest-first")

    def behind_a_long_one(self):
        """When the last of 50 short tasks behind a long one has ended, over what they take on the other worker."""
        lines = '{"call": "nap", "args": [2]}\n' + '{"call": "nap", "args": [0.01]}\n' * 50
        batch = self.batches.packed("behind", "jsonl", lines)
        record = self.folder / "behind.record"
        record.unlink(missing_ok=True)
        run(mpirun(3, PARRUN, "-q", "--load", MODULE, "--record", record, batch), self.folder)
        with contextlib.closing(sqlite3.connect(record)) as db:
            ended, total = db.execute(
                "SELECT max(started + elapsed_s), sum(elapsed_s) FROM tasks WHERE task > 0").fetchone()
            first, = db.execute("SELECT min(started) FROM tasks").fetchone()
        return (ended - first) / total

    def idle_cores(self):
        """The busiest rank's share of a core while all workers sleep in a task."""
        batch = self.batches.of_calls(2, "nap", "[5]")
        job = subprocess.Popen([str(word) for word in mpirun(3, PARRUN, "-q", "--load", MODULE, "--no-record", batch)],
                               cwd=self.folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            time.sleep(2)
            ranks = [pid for pid in processes() if parent_of(pid) == job.pid]
            before = {pid: cpu_s(pid) for pid in ranks}
            time.sleep(2)
            return max(cpu_s(pid) - before[pid] for pid in ranks) / 2
        finally:
            job.wait(LIMIT_S)

    def notice(self):
        return told(mpirun(3, BENCH / "pool_bench", "process", "notice", 20), self.folder)

    def memory_of_tasks(self):
        return told(mpirun(3, BENCH / "pool_bench", "none", "memory", 10_000_000), self.folder)

    def memory_in_order(self):
        """Of rank 0, with 10 KB of each task waiting for those before it."""
        count = 100_000
        slow_first = '{"call": "nap", "args": [1]}\n' + f'{{"call": "answer", "args": ["x", 10000]}}\n' * count
        batch = self.batches.packed(f"in-order-{count}", "jsonl", slow_first)
        (self.folder / "bench.record").unlink(missing_ok=True)
        parts = [PARRUN, "-q", "--order", "submission", "--load", MODULE, "--record", "bench.record", batch]
        return told(mpirun(1, PYTHON, SOURCE / "tests/bench/most_memory.py", *parts, ":", "-n", 2, *parts), self.folder)

    def start_and_stop(self):
        """A run of nothing by 8 ranks, over an MPI program of 8 ranks that does nothing [ms]."""
        empty = self.batches.of_commands(0, "/bin/true")
        ours = seconds(mpirun(8, PARRUN, "-q", "--no-record", empty), self.folder)
        return (ours - seconds(mpirun(8, BENCH / "bare_mpi", "start"), self.folder)) * 1000

    def oversubscribed(self):
        """The rate of 8 ranks over that of 3, on these cores; for so long that their start is little of it."""
        few, crowd = (told(mpirun(ranks, BENCH / "pool_bench", "process", "rate", self.count(3_000_000)), self.folder)
                      for ranks in (3, 8))
        return crowd / few


def pareto(count, total, seed):
    """Durations with a heavy tail, of which none is longer than a quarter of all."""
    random_numbers = random.Random(seed)
    drawn = [random_numbers.paretovariate(1.5) for _ in range(count)]
    scale = total / sum(drawn)
    return [min(one * scale, total / 4) for one in drawn]


def processes():
    return [int(name) for name in os.listdir("/proc") if name.isdigit()]


def stat_of(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    except OSError:
        return None


def parent_of(pid):
    stat = stat_of(pid)
    return int(stat[1]) if stat else None


def cpu_s(pid):
    stat = stat_of(pid)
    return (int(stat[11]) + int(stat[12])) / os.sysconf("SC_CLK_TCK")


# What is measured, ours and theirs, and the ratio to reach; for trips the difference, in microseconds.
ROWS = [
    ("empty functions on threads", "pool_threads", "bare MPI, 1 in flight", "bare_1_in_flight", 5),
    ("empty functions on threads", "pool_threads", "bare MPI, 4 in flight", "bare_4_in_flight", 1.5),
    ("empty functions on threads", "pool_threads", "mpi4py.futures, chunks of 1", "mpi4py_1", 250),
    ("empty functions on threads", "pool_threads", "mpi4py.futures, chunks of 100", "mpi4py_100", 4),
    ("empty functions on threads", "pool_threads", "joblib, 2 workers", "joblib", 4),
    ("empty functions in processes", "pool_processes", "bare MPI, 1 in flight", "bare_1_in_flight", 3),
    ("the same from jobs.bin, on threads", "jobs_bin", "bare MPI, 1 in flight", "bare_1_in_flight", None),
    ("the same, recorded", "jobs_bin_recorded", "bare MPI into SQLite", "bare_with_sqlite", 0.7),
    # The peers' own start is in their times.
    ("/bin/true, mpirun's start taken off", "commands", "xargs -P2", "xargs", 1.2),
    ("/bin/true, mpirun's start included", "commands_with_start", "xargs -P2", "xargs", None),
    ("/bin/true, mpirun's start taken off", "commands", "a posix_spawn loop", "spawn_loop", 0.9),
    ("/bin/true, mpirun's start included", "commands_with_start", "a posix_spawn loop", "spawn_loop", None),
    ("/bin/true, mpirun's start taken off", "commands", "GNU parallel -j2", "parallel", 6),
    ("/bin/true, mpirun's start included", "commands_with_start", "GNU parallel -j2", "parallel", None),
    ("busy for 1 ms, in processes", "busy_1_ms", "the cores' time", "one", 0.95),
    ("results of 1 MB", "pool_results_of_1_mb", "bare MPI, each made and read", "bare_results_made", 0.6),
    ("results of 1 MB", "pool_results_of_1_mb", "bare MPI, always one buffer", "bare_results_of_1_mb", None),
    ("payloads of 1 MB, recorded", "payloads_of_1_mb", "bare MPI, from the file", "bare_payloads_from_a_file", 0.6),
    ("payloads of 1 MB, recorded", "payloads_of_1_mb", "bare MPI, always one buffer", "bare_payloads_of_1_mb", None),
]
TRIP = ("pool_trip", "bare_trip", 200)
# What is measured, by which method, in which unit, and what it is to be at most, or at least where that is negative.
FIGURES = [
    ("tail of 2,000 tasks of Pareto durations, the longest last", "tail", "of the least", 1.05),
    ("the same with --order-by longest-first", "tail_longest_first", "of the least", 1.02),
    ("50 short tasks behind a long one", "behind_a_long_one", "of what they take", 1.5),
    ("a rank's own use while its worker is in a task", "idle_cores", "of a core", 0.03),
    ("a result is noticed after", "notice", "ms", 2),
    ("rank 0 with 10,000,000 tasks", "memory_of_tasks", "MiB", 100),
    ("rank 0, 100,000 results of 10 KB in order", "memory_in_order", "MiB", 100),
    ("start and stop of 8 ranks, over bare MPI", "start_and_stop", "ms", 150),
    ("8 ranks on these cores, beside 3", "oversubscribed", "of the rate", -0.8),
]


def measure(bench, names, rounds, values):
    """Adds to values by name, one for each round; a name that cannot be measured has none."""
    broken = set()
    for number in range(max(rounds.values())):
        for name in names:
            if name in broken or number >= rounds[name]:
                continue
            if sys.stderr.isatty():
                print(f"\rround {number + 1} of {rounds[name]}: {name:<26}", end="", file=sys.stderr, flush=True)
            try:
                values.setdefault(name, []).append(getattr(bench, name)())
            except (RuntimeError, OSError, subprocess.TimeoutExpired) as error:
                print(f"{name} cannot be measured: {str(error).strip()}", file=sys.stderr)
                broken.add(name)
                values.pop(name, None)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true")
    known = [row[1] for row in ROWS] + [TRIP[0]] + [figure[1] for figure in FIGURES]
    parser.add_argument("rows", nargs="*", help="of these; all without: " + " ".join(dict.fromkeys(known)))
    options = parser.parse_args()
    for name in options.rows:
        if name not in known:
            parser.error(f"there is no row '{name}'; see --help")
    rounds = 3 if options.quick else 7
    rounds_of_figures = 1 if options.quick else 3
    rows = [row for row in ROWS if not options.rows or row[1] in options.rows]
    trip = not options.rows or TRIP[0] in options.rows
    figures = [figure for figure in FIGURES if not options.rows or figure[1] in options.rows]
    names = list(dict.fromkeys([name for row in rows for name in (row[1], row[3])] + list(TRIP[:2] if trip else ())
                               + [figure[1] for figure in figures]))
    folder = Path(tempfile.mkdtemp(dir=os.environ.get("PARRUN_BENCH_DIR")))
    figured = {figure[1] for figure in figures}
    values = {}
    interrupted = False
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        measure(Bench(folder, options.quick), names,
                {name: rounds_of_figures if name in figured else rounds for name in names}, values)
    except KeyboardInterrupt:
        print("\ninterrupted: what was measured until then", file=sys.stderr)
        interrupted = True
    finally:
        shutil.rmtree(folder)

    print(f"1 dispatcher, 2 workers, {os.cpu_count()} cores; medians of {rounds} rounds in turn; ratios round by round\n")
    print(f"| {'what':<36} | {'parrun /s':>12} | {'beside':<29} | {'its /s':>12} | {'ratio':>6} | {'wanted':>6} |")
    print(f"|{'-' * 38}|{'-' * 13}:|{'-' * 31}|{'-' * 13}:|{'-' * 7}:|{'-' * 7}:|")
    for what, ours, beside, theirs, wanted in rows:
        pairs = list(zip(values.get(ours, []), values.get(theirs, [])))
        if not pairs:
            continue
        ratio = statistics.median(a / b for a, b in pairs)
        print(f"| {what:<36} | {statistics.median(values[ours]):>12,.4g} | {beside:<29} "
              f"| {statistics.median(values[theirs]):>12,.4g} | {ratio:>6.3g} | {wanted or '':>6} |")
    if trip and TRIP[0] in values and TRIP[1] in values:
        more = statistics.median(a - b for a, b in zip(values[TRIP[0]], values[TRIP[1]]))
        print(f"\none task there and back: {more:.0f} us more than bare MPI; wanted: under {TRIP[2]}")
    for what, name, unit, bound in figures:
        if name in values:
            wanted = f"at most {bound}" if bound > 0 else f"at least {-bound}"
            print(f"{what}: {statistics.median(values[name]):.3g} {unit}; wanted: {wanted}")
    return 1 if interrupted else 0


sys.exit(main())
