// A code that owns MPI and lends its ranks: `PROGRAM CASE [process|none] [FILE]`.

#include <memory>

#include "cases.hpp"
#include "parrun/mpi.hpp"

using namespace std::chrono_literals;
using namespace cases;

namespace {

int calls_mpi() {
  int rank = 0;
  MPI_Comm_rank(MPI_COMM_WORLD, &rank);
  return rank;
}

int makes_a_pool() {
  parrun::Pool pool(MPI_COMM_SELF, {.isolation = parrun::Isolation::none});
  return pool.workers();
}

// Ends when so many are in here at once.
int meets(const std::string& file, int count) {
  mark(file);
  await_marks(file, count);
  return marks_in(file);
}

int first_of(const parrun::Shared<int>& numbers) { return numbers[0]; }

}  // namespace

PARRUN_TASK(first_of);
PARRUN_TASK(calls_mpi);
PARRUN_TASK(makes_a_pool);
PARRUN_TASK(meets);

namespace {

struct Code {
  Arguments arguments;
  int rank = 0;
  int ranks = 1;
  parrun::PoolOptions options{.isolation = arguments.isolation, .lost_after = 2s};

  /// `body` on rank 0 of the communicator, while its other ranks serve.
  template <typename Body>
  void with_pool(MPI_Comm communicator, Body body) const {
    int here = 0;
    MPI_Comm_rank(communicator, &here);
    if (here != 0) return parrun::serve(communicator);
    parrun::Pool pool(communicator, options);
    body(pool);
  }
};

template <typename Call>
void tell_error(Call call) {
  try {
    call();
    std::cout << "nothing thrown\n";
  } catch (const std::exception& error) {
    std::cout << error.what() << '\n';
  }
}

// What the code has under way on its own communicator stays its own, and so do its error handlers.
void own_messages(const Code& code) {
  MPI_Comm_set_errhandler(MPI_COMM_WORLD, MPI_ERRORS_ARE_FATAL);
  int sent = code.rank;
  std::vector<int> received(static_cast<std::size_t>(code.ranks));
  std::vector<MPI_Request> requests(static_cast<std::size_t>(code.ranks), MPI_REQUEST_NULL);
  if (code.rank > 0) MPI_Isend(&sent, 1, MPI_INT, 0, 1, MPI_COMM_WORLD, requests.data());
  for (int pools = 0; pools < 3; ++pools) code.with_pool(MPI_COMM_WORLD, print_squares);
  if (code.rank == 0) {
    for (int i = 1; i < code.ranks; ++i)
      MPI_Recv(&received[static_cast<std::size_t>(i)], 1, MPI_INT, i, 1, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
    std::cout << "received " << received[1] << received[2] << '\n';
  }
  MPI_Waitall(code.ranks, requests.data(), MPI_STATUSES_IGNORE);
  MPI_Errhandler handler = MPI_ERRHANDLER_NULL;
  MPI_Comm_get_errhandler(MPI_COMM_WORLD, &handler);
  if (handler != MPI_ERRORS_ARE_FATAL) std::cout << "another error handler\n";
  int sum = 0;
  MPI_Allreduce(&sent, &sum, 1, MPI_INT, MPI_SUM, MPI_COMM_WORLD);
  if (code.rank == 0) std::cout << "sum " << sum << '\n';
}

// Two pools at once; in one of them a limit is reached, and the other goes on.
void two_at_once(const Code& code) {
  MPI_Comm half = MPI_COMM_NULL;
  MPI_Comm_split(MPI_COMM_WORLD, code.rank % 2, code.rank, &half);
  int sum = 0;
  code.with_pool(half, [&](parrun::Pool& pool) {
    if (code.rank == 1) {
      try {
        pool.map(Tasks{parrun::task<marks_then_sleeps>(code.arguments.file, 1000.0)}, {.timeout = 300ms});
      } catch (const parrun::TimeoutError&) {
        sum += 1000;
      }
    }
    for (const int value : pool.map(tasks_of<square>({1, 2, 3}))) sum += value;
  });
  MPI_Comm_free(&half);
  int all = 0;
  MPI_Reduce(&sum, &all, 1, MPI_INT, MPI_SUM, 0, MPI_COMM_WORLD);
  if (code.rank == 0) std::cout << all << '\n';
}

void errors(const Code& code) {
  if (code.rank != 0) return parrun::serve(MPI_COMM_WORLD);
  tell_error([&] {
    parrun::Pool pool(MPI_COMM_WORLD, code.options);
    print_squares(pool);
  });
}

void wrong_side(const Code& code) {
  tell_error([&] {
    if (code.rank == 0) parrun::serve(MPI_COMM_WORLD);
    if (code.rank != 0) parrun::Pool pool(MPI_COMM_WORLD, code.options);
  });
}

void missing_rank(const Code& code) {
  if (code.rank == 1) return parrun::serve(MPI_COMM_WORLD);
  if (code.rank == 0) {
    tell_error([&] { const parrun::Pool pool(MPI_COMM_WORLD, code.options); });
    std::cout.flush();
    MPI_Abort(MPI_COMM_WORLD, 5);
  }
  std::this_thread::sleep_for(1000s);
}

void mpi_in_task(const Code& code) {
  code.with_pool(MPI_COMM_WORLD, [](parrun::Pool& pool) {
    for (auto&& done : pool.unordered(std::vector{parrun::task<calls_mpi>()}))
      std::cout << done.outcome().error << '\n';
    print_squares(pool);
  });
}

void nested(const Code& code) {
  code.with_pool(MPI_COMM_WORLD, [](parrun::Pool& pool) {
    for (auto&& done : pool.unordered(std::vector{parrun::task<makes_a_pool>()}))
      std::cout << done.outcome().error << '\n';
    print_squares(pool);
  });
}

void stuck(const Code& code) {
  code.with_pool(MPI_COMM_WORLD, [&](parrun::Pool& pool) {
    tell_error([&] {
      pool.map(Tasks{parrun::task<marks_then_sleeps>(code.arguments.file, 1000.0)}, {.timeout = 300ms});
    });
    std::cout.flush();
  });
  std::cout << "went on\n";
}

// A lone rank: its workers are in here.
void local_workers(Code code) {
  code.options.local_workers = 3;
  code.with_pool(MPI_COMM_SELF, [&](parrun::Pool& pool) {
    const Tasks tasks(3, parrun::task<meets>(code.arguments.file, 3));
    for (const int met : pool.map(tasks, {.deadline = 15s})) std::cout << met << '\n';
    std::cout << pool.workers() << " workers\n";
  });
  code.options.local_workers = 1;
  code.with_pool(MPI_COMM_SELF, print_squares);
}

void two_pools_of_one_rank(const Code& code) {
  const parrun::Pool first(MPI_COMM_SELF, code.options);
  tell_error([&] { const parrun::Pool second(MPI_COMM_SELF, code.options); });
}

// The next pool shares as large an array as the one before it did.
void handle_of_an_earlier_pool(const Code& code) {
  parrun::Shared<int> before;
  code.with_pool(MPI_COMM_WORLD, [&](parrun::Pool& pool) { before = pool.share(std::vector{1, 2, 3}); });
  code.with_pool(MPI_COMM_WORLD, [&](parrun::Pool& pool) {
    const auto now = pool.share(std::vector{4, 5, 6});
    std::cout << pool.submit<first_of>(now).get() << '\n';
    tell_error([&] { std::cout << pool.submit<first_of>(before).get() << '\n'; });
  });
}

void ended_range_outlives(const Code& code) {
  std::unique_ptr<parrun::Results<int>> results;
  code.with_pool(MPI_COMM_WORLD, [&](parrun::Pool& pool) {
    results = std::make_unique<parrun::Results<int>>(pool.unordered(tasks_of<square>({1, 2, 3})));
    int sum = 0;
    for (auto&& done : *results) sum += done.value();
    std::cout << sum << '\n';
  });
  code.with_pool(MPI_COMM_WORLD, print_squares);
  results.reset();
}

void null_communicator(const Code& code) {
  tell_error([&] { const parrun::Pool pool(MPI_COMM_NULL, code.options); });
  tell_error([] { parrun::serve(MPI_COMM_NULL); });
}

void behind_mpi(const Code& code) {
  MPI_Finalize();
  tell_error([&] { const parrun::Pool pool(MPI_COMM_WORLD, code.options); });
  tell_error([] { parrun::serve(MPI_COMM_WORLD); });
  tell_error([] { parrun::main(0, nullptr, [](parrun::Pool&) {}); });
}

void patient(Code code) {
  code.options.lost_after = std::chrono::nanoseconds::max();
  code.with_pool(MPI_COMM_WORLD, print_squares);
}

// Rank 0 ends past its Environment, and the others go on for longer than mpirun would live behind a rank 0
// that died.
void ends_by_exit(const Code& code) {
  code.with_pool(MPI_COMM_WORLD, print_squares);
  MPI_Finalize();
  if (code.rank == 0) std::exit(0);
  std::this_thread::sleep_for(10s);
  std::cout << "worked on" << std::endl;
  std::exit(0);
}

// A rank that comes a second late is none that is missing.
void impatient(Code code) {
  code.options.lost_after = 1ms;
  if (code.rank == 1) std::this_thread::sleep_for(1s);  // what this case is about
  code.with_pool(MPI_COMM_WORLD, print_squares);
}

const std::map<std::string, std::function<void(const Code&)>> kCases{
    {"handle_of_an_earlier_pool", handle_of_an_earlier_pool},
    {"ended_range_outlives", ended_range_outlives},
    {"null_communicator", null_communicator},
    {"behind_mpi", behind_mpi},
    {"patient", patient},
    {"impatient", impatient},
    {"own_messages", own_messages},
    {"two_at_once", two_at_once},
    {"errors", errors},
    {"no_environment", errors},
    {"single_thread", errors},
    {"late_environment", [](const Code&) { tell_error([] { const parrun::Environment late(0, nullptr); }); }},
    {"wrong_side", wrong_side},
    {"missing_rank", missing_rank},
    {"mpi_in_task", mpi_in_task},
    {"nested", nested},
    {"stuck", stuck},
    {"local_workers", local_workers},
    {"two_pools_of_one_rank", two_pools_of_one_rank},
    {"ends_by_exit", ends_by_exit},
};

}  // namespace

int main(int argc, char** argv) {
  Code code{arguments_of(argc, argv)};
  const std::string& name = code.arguments.name;
  std::unique_ptr<parrun::Environment> environment;
  if (name != "no_environment" && name != "late_environment")
    environment =
        std::make_unique<parrun::Environment>(argc, argv, parrun::Environment::Options{.local_workers = 3});
  int provided = 0;
  MPI_Init_thread(&argc, &argv, name == "single_thread" ? MPI_THREAD_SINGLE : MPI_THREAD_FUNNELED, &provided);
  MPI_Comm_rank(MPI_COMM_WORLD, &code.rank);
  MPI_Comm_size(MPI_COMM_WORLD, &code.ranks);
  try {
    kCases.at(name)(code);
  } catch (const std::exception& error) {
    std::cout << "rank " << code.rank << ": " << error.what() << '\n';
  }
  int finalized = 0;
  MPI_Finalized(&finalized);
  if (finalized == 0) MPI_Finalize();
  return 0;
}
