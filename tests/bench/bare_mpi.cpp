// What MPI itself costs: the plainest loops that do what parrun's benchmarks ask of it, without limits, and
// with nothing that looks after errors.
//   bare_mpi farm TASKS IN OUT FLIGHT [RECORD]  IN bytes to a worker, OUT back, one task a message, FLIGHT of
//                                               them under way to each worker; rows go to RECORD. Tasks/s
//   bare_mpi made TASKS IN OUT FILE             as farm, 1 in flight; tasks are parts of FILE, one after
//                                               another; each result is made anew, and read. Tasks/s
//   bare_mpi trip ROUNDS                        there and back, 64 bytes to rank 1. Microseconds
//   bare_mpi start                              nothing

#include <fcntl.h>
#include <fmt/format.h>
#include <mpi.h>
#include <sqlite3.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstring>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace {

constexpr int kTask = 1;
constexpr int kEnd = 2;

using Buffer = std::vector<char>;

void send(const Buffer& bytes, int to, int tag) {
  MPI_Send(bytes.data(), static_cast<int>(bytes.size()), MPI_CHAR, to, tag, MPI_COMM_WORLD);
}

// Columns and rows as parrun has them, in transactions of 5,000.
class Rows {
 public:
  explicit Rows(const char* path) {
    sqlite3* db = nullptr;
    check(sqlite3_open(path, &db));
    db_.reset(db);
    run("PRAGMA journal_mode=WAL");
    run("PRAGMA synchronous=FULL");
    run("CREATE TABLE tasks(task INTEGER PRIMARY KEY, label, state, attempt, rank, host, started, elapsed_s, "
        "user_s, system_s, max_rss_kb, exit_code, signal, error, stdout, stderr, value, warning, earlier, "
        "error_type, run, checksum)");
    sqlite3_stmt* insert = nullptr;
    check(sqlite3_prepare_v2(db,
                             "INSERT INTO tasks VALUES(?,NULL,'succeeded',1,?,'node17',?,1e-6,0,0,0,0,0,NULL,"
                             "'','',?,NULL,NULL,NULL,1,?)",
                             -1, &insert, nullptr));
    insert_.reset(insert);
    run("BEGIN");
  }
  void add(std::int64_t task, int rank, const Buffer& value) {
    sqlite3_stmt* const insert = insert_.get();
    sqlite3_bind_int64(insert, 1, task);
    sqlite3_bind_int(insert, 2, rank);
    sqlite3_bind_double(insert, 3, MPI_Wtime());
    sqlite3_bind_text(insert, 4, value.data(), static_cast<int>(value.size()), SQLITE_STATIC);
    sqlite3_bind_int64(insert, 5, task * 0x9e3779b97f4a7c1);
    if (sqlite3_step(insert) != SQLITE_DONE) throw std::runtime_error(sqlite3_errmsg(db_.get()));
    sqlite3_reset(insert);
    if (++added_ % 5000 == 0) run("COMMIT; BEGIN");
  }
  void end() { run("COMMIT"); }

 private:
  struct Close {
    void operator()(sqlite3* db) const { sqlite3_close(db); }
    void operator()(sqlite3_stmt* statement) const { sqlite3_finalize(statement); }
  };
  void check(int result) {
    if (result != SQLITE_OK) throw std::runtime_error(sqlite3_errstr(result));
  }
  void run(const char* sql) { check(sqlite3_exec(db_.get(), sql, nullptr, nullptr, nullptr)); }

  std::unique_ptr<sqlite3, Close> db_;
  std::unique_ptr<sqlite3_stmt, Close> insert_;
  std::int64_t added_ = 0;
};

struct Farm {
  std::int64_t tasks;
  std::size_t in;
  std::size_t out;
  int flight;
  const char* record = nullptr;
  const char* file = nullptr;  ///< of the tasks; then all is made anew
};

// A file in memory, of which each task is another part, as long as there are some.
class Parts {
 public:
  Parts(const char* path, std::size_t size) : size_(size) {
    const int fd = open(path, O_RDONLY);
    struct stat status {};
    if (fd < 0 || fstat(fd, &status) != 0) throw std::runtime_error(path);
    length_ = static_cast<std::size_t>(status.st_size);
    void* const mapped = mmap(nullptr, length_, PROT_READ, MAP_PRIVATE, fd, 0);
    close(fd);
    if (mapped == MAP_FAILED || length_ < size) throw std::runtime_error(path);
    begin_ = static_cast<const char*>(mapped);
  }
  const char* next() {
    if (at_ + size_ > length_) at_ = 0;
    return begin_ + std::exchange(at_, at_ + size_);
  }

 private:
  const char* begin_;
  std::size_t length_;
  std::size_t size_;
  std::size_t at_ = 0;
};

double give_out_made(const Farm& farm, int workers) {
  Parts parts(farm.file, farm.in);
  Buffer result(farm.out);
  std::size_t read = 0;
  std::int64_t given = 0;
  const auto give = [&](int worker) {
    MPI_Send(parts.next(), static_cast<int>(farm.in), MPI_CHAR, worker, kTask, MPI_COMM_WORLD);
    ++given;
  };
  const double start = MPI_Wtime();
  for (int worker = 1; worker <= workers && given < farm.tasks; ++worker) give(worker);
  for (std::int64_t done = 0; done < farm.tasks; ++done) {
    MPI_Status status;
    MPI_Recv(result.data(), static_cast<int>(result.size()), MPI_CHAR, MPI_ANY_SOURCE, kTask, MPI_COMM_WORLD,
             &status);
    if (given < farm.tasks) give(status.MPI_SOURCE);
    const std::string value(result.data(), result.size());
    asm volatile("" : : "r"(value.data()) : "memory");  // it is read: no compiler leaves it out
    read += value.size();
  }
  const double span = MPI_Wtime() - start;
  if (read != farm.out * static_cast<std::size_t>(farm.tasks)) throw std::logic_error("results are missing");
  for (int worker = 1; worker <= workers; ++worker) send({}, worker, kEnd);
  return static_cast<double>(farm.tasks) / span;
}

double give_out(const Farm& farm, int workers) {
  std::unique_ptr<Rows> rows;
  if (farm.record != nullptr) rows = std::make_unique<Rows>(farm.record);
  Buffer task(farm.in);
  Buffer result(farm.out);
  std::int64_t given = 0;
  const double start = MPI_Wtime();
  for (int i = 0; i < farm.flight; ++i) {
    for (int worker = 1; worker <= workers && given < farm.tasks; ++worker, ++given)
      send(task, worker, kTask);
  }
  for (std::int64_t done = 0; done < farm.tasks; ++done) {
    MPI_Status status;
    MPI_Recv(result.data(), static_cast<int>(result.size()), MPI_CHAR, MPI_ANY_SOURCE, kTask, MPI_COMM_WORLD,
             &status);
    if (rows) rows->add(done, status.MPI_SOURCE, result);
    if (given < farm.tasks) {
      std::memcpy(task.data(), &given, sizeof given);
      send(task, status.MPI_SOURCE, kTask);
      ++given;
    }
  }
  if (rows) rows->end();
  const double span = MPI_Wtime() - start;
  for (int worker = 1; worker <= workers; ++worker) send({}, worker, kEnd);
  return static_cast<double>(farm.tasks) / span;
}

void work(const Farm& farm) {
  Buffer task(farm.in);
  Buffer result(farm.out);
  for (;;) {
    MPI_Status status;
    MPI_Recv(task.data(), static_cast<int>(task.size()), MPI_CHAR, 0, MPI_ANY_TAG, MPI_COMM_WORLD, &status);
    if (status.MPI_TAG == kEnd) return;
    if (farm.file == nullptr) {
      send(result, 0, kTask);
      continue;
    }
    std::string made(task.data(), task.size());  // as a function has its argument
    made.resize(farm.out, ' ');
    MPI_Send(made.data(), static_cast<int>(made.size()), MPI_CHAR, 0, kTask, MPI_COMM_WORLD);
  }
}

void trip(int rank, int rounds) {
  Buffer bytes(64);
  const int other = 1 - rank;
  const double start = MPI_Wtime();
  for (int i = 0; rank < 2 && i < rounds; ++i) {
    if (rank == 0) send(bytes, other, kTask);
    MPI_Recv(bytes.data(), static_cast<int>(bytes.size()), MPI_CHAR, other, kTask, MPI_COMM_WORLD,
             MPI_STATUS_IGNORE);
    if (rank == 1) send(bytes, other, kTask);
  }
  if (rank == 0) fmt::print("{:.3f}\n", (MPI_Wtime() - start) / rounds * 1e6);
}

}  // namespace

int main(int argc, char** argv) {
  MPI_Init(&argc, &argv);
  int rank = 0;
  int ranks = 0;
  MPI_Comm_rank(MPI_COMM_WORLD, &rank);
  MPI_Comm_size(MPI_COMM_WORLD, &ranks);
  const std::string what = argc > 1 ? argv[1] : "";
  if (what == "farm" && argc > 5) {
    const Farm farm{std::stoll(argv[2]), std::stoul(argv[3]), std::stoul(argv[4]), std::stoi(argv[5]),
                    argc > 6 ? argv[6] : nullptr};
    if (rank == 0) {
      fmt::print("{:.1f}\n", give_out(farm, ranks - 1));
    } else {
      work(farm);
    }
  } else if (what == "made" && argc > 5) {
    const Farm farm{.tasks = std::stoll(argv[2]),
                    .in = std::stoul(argv[3]),
                    .out = std::stoul(argv[4]),
                    .flight = 1,
                    .file = argv[5]};
    if (rank == 0) {
      fmt::print("{:.1f}\n", give_out_made(farm, ranks - 1));
    } else {
      work(farm);
    }
  } else if (what == "trip" && argc > 2) {
    trip(rank, std::stoi(argv[2]));
  }
  MPI_Finalize();
}
