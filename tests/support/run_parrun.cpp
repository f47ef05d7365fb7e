#include "support/run_parrun.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>
#include <utility>

namespace parrun::test {

std::vector<std::string> parrun_argv(int ranks, const std::vector<std::string>& args,
                                     const RunOptions& options) {
  std::vector<std::string> argv;
  if (ranks > 0) argv = {"mpirun", "-n", std::to_string(ranks)};
  if (ranks > 0 && !options.rank0_stdout.empty()) {
    argv.insert(argv.end(),
                {"sh", "-c", R"(to=$1; shift; [ "$OMPI_COMM_WORLD_RANK" != 0 ] || exec > "$to"; exec "$@")",
                 "sh", options.rank0_stdout});
  }
  argv.push_back(options.program);
  argv.insert(argv.end(), args.begin(), args.end());
  return argv;
}

namespace {

JobOptions with_root(JobOptions options) {
  if (::geteuid() != 0) return options;
  options.env.emplace_back("OMPI_ALLOW_RUN_AS_ROOT", "1");
  options.env.emplace_back("OMPI_ALLOW_RUN_AS_ROOT_CONFIRM", "1");
  return options;
}

}  // namespace

JobOptions with_mpi_environment(JobOptions options) {
  options.env.emplace_back("OMPI_MCA_rmaps_base_oversubscribe", "1");
  if (options.patient_mpirun) return with_root(std::move(options));
  // mpirun itself sleeps for a second between SIGTERM and SIGKILL if a rank is not gone at once: a bare
  // program that calls MPI_Abort on 2 ranks takes 0.28 s or 1.28 s, by chance. That second is not what the
  // tests measure.
  options.env.emplace_back("OMPI_MCA_odls_base_sigkill_timeout", "0");
  return with_root(std::move(options));
}

JobResult run_parrun(int ranks, const std::vector<std::string>& args, const RunOptions& options) {
  Job job(parrun_argv(ranks, args, options), with_mpi_environment(options));
  JobResult result = job.wait(options.limit);
  job.expect_nothing_left();
  return result;
}

FullFifo::FullFifo(const std::string& path) {
  if (::mkfifo(path.c_str(), 0600) != 0) throw std::system_error(errno, std::generic_category(), path);
  // Open for reading too, so that opening it for writing does not wait, and nobody gets SIGPIPE.
  fifo_.reset(::open(path.c_str(), O_RDWR | O_NONBLOCK | O_CLOEXEC));
  if (!fifo_) throw std::system_error(errno, std::generic_category(), path);
  const std::string block(4096, 'x');
  while (::write(fifo_.get(), block.data(), block.size()) > 0) {
  }
}

}  // namespace parrun::test
