#include <fmt/format.h>

#include <chrono>
#include <memory>
#include <string>

#include "base/duration.hpp"
#include "cli/commands.hpp"
#include "cli/option_value.hpp"
#include "doctor/examination.hpp"
#include "parrun/errors.hpp"

namespace parrun {
namespace {

constexpr const char* kDoctorFooter =
    R"(As the run is started: mpirun -n 8 parrun doctor, srun parrun doctor, or alone. It takes a few seconds.
Exit codes: 0 a timeout works here; 1 it does not; 2 usage; 3 internal or MPI error; 124 the deadline ended it.)";

constexpr Duration kShortestDeadline = std::chrono::seconds(10);

struct DoctorArguments {
  std::string place, record, deadline;
};

Duration checked_deadline(const std::string& text) {
  const Duration deadline = option_value("--deadline", text, parse_duration);
  if (deadline < kShortestDeadline)
    throw InputError("--deadline: what is tried takes some seconds; give at least 10 s");
  return deadline;
}

int run_doctor(const DoctorArguments& arguments, TimePoint start) {
  doctor::Options options;
  options.program = "parrun " PARRUN_VERSION;
  if (!arguments.place.empty() && !arguments.record.empty())
    throw InputError("the place of the record is given twice; leave out --record, or the other");
  if (!arguments.place.empty()) options.place = arguments.place;
  if (!arguments.record.empty()) options.place = arguments.record;
  if (!arguments.deadline.empty()) options.deadline = checked_deadline(arguments.deadline);
  return doctor::examine(options, start);
}

}  // namespace

void add_doctor(CLI::App& app, Action& chosen) {
  const TimePoint start = Clock::now();
  auto a = std::make_shared<DoctorArguments>();
  CLI::App* command = app.add_subcommand(
      "doctor", "Try whether a timeout works here, and tell what there is to know of the place");
  command->footer(kDoctorFooter);
  command->add_option("PLACE", a->place,
                      "Where a run would be recorded, a file or a folder; here where not given");
  command->add_option("--record", a->record, "The same")->type_name("FILE");
  command->add_option("--deadline", a->deadline, "Limit of all that is tried; 2m where not given")
      ->type_name("TIME");
  command->callback([a, start, &chosen] { chosen = [a, start] { return run_doctor(*a, start); }; });
}

}  // namespace parrun
