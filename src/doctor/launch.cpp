#include "doctor/launch.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <cstring>
#include <sstream>
#include <string_view>

namespace parrun::doctor {
namespace {

// What mpirun (Open MPI 4) itself sets for its ranks among OMPI_MCA_*; the rest is its user's, from the
// environment or from --mca.
constexpr std::array<std::string_view, 18> kLaunchers = {"ess",
                                                         "ess_base_jobid",
                                                         "ess_base_vpid",
                                                         "initial_wdir",
                                                         "mpi_oversubscribe",
                                                         "orte_app_num",
                                                         "orte_bound_at_launch",
                                                         "orte_ess_node_rank",
                                                         "orte_ess_num_procs",
                                                         "orte_hnp_uri",
                                                         "orte_jobfam_session_dir",
                                                         "orte_launch",
                                                         "orte_local_daemon_uri",
                                                         "orte_num_nodes",
                                                         "orte_precondition_transports",
                                                         "orte_top_session_dir",
                                                         "pmix",
                                                         "shmem_RUNTIME_QUERY_hint"};

bool is_users(std::string_view name) {
  constexpr std::string_view kSetting = "OMPI_MCA_";
  if (name.starts_with("OMPI_ALLOW_RUN_AS_ROOT")) return true;
  if (!name.starts_with(kSetting)) return false;
  name.remove_prefix(kSetting.size());
  return std::find(kLaunchers.begin(), kLaunchers.end(), name) == kLaunchers.end();
}

std::vector<std::string> mpirun_line(const Layout& layout, int ranks) {
  std::string hosts;
  for (const auto& [host, count] : layout)
    hosts += fmt::format("{}{}:{}", hosts.empty() ? "" : ",", host, count);
  return {"mpirun", "--host", hosts, "--oversubscribe", "--bind-to", "none", "-n", std::to_string(ranks)};
}

// In the allocation that this step has, beside it.
std::vector<std::string> srun_line(const Layout& layout, int ranks) {
  std::string hosts;
  for (const auto& [host, count] : layout) hosts += (hosts.empty() ? "" : ",") + host;
  return {"srun",
          "--overlap",
          "--overcommit",
          "--mpi=pmix",
          "--cpu-bind=none",
          "-N",
          std::to_string(layout.size()),
          "--nodelist",
          hosts,
          "-n",
          std::to_string(ranks)};
}

}  // namespace

Launcher launcher_of(const std::function<const char*(const char*)>& variable) {
  const auto has = [&](const char* name) { return variable(name) != nullptr; };
  if (has("OMPI_COMM_WORLD_SIZE")) return Launcher::mpirun;
  if (has("SLURM_STEP_ID") && (has("PMIX_RANK") || has("PMI_RANK"))) return Launcher::srun;
  return Launcher::none;
}

const char* to_string(Launcher launcher) {
  switch (launcher) {
    case Launcher::mpirun:
      return "mpirun";
    case Launcher::srun:
      return "srun";
    case Launcher::none:
      break;
  }
  return "";
}

bool yields_when_idle(const std::function<const char*(const char*)>& variable) {
  // As Open MPI reads its booleans.
  constexpr std::array<std::string_view, 7> kNo = {"", "0", "f", "false", "disabled", "no", "n"};
  const char* const value = variable("OMPI_MCA_mpi_yield_when_idle");
  return value != nullptr && std::find(kNo.begin(), kNo.end(), value) == kNo.end();
}

bool is_in_path(const std::string& program) {
  const char* const path = std::getenv("PATH");
  std::istringstream folders(path == nullptr ? "" : path);
  for (std::string folder; !program.empty() && std::getline(folders, folder, ':');) {
    if (access(fmt::format("{}/{}", folder, program).c_str(), X_OK) == 0) return true;
  }
  return false;
}

Layout layout(const Examined& seen) {
  Layout hosts;
  for (const auto& [rank, one] : seen.ranks) {
    const auto found = std::find_if(hosts.begin(), hosts.end(), [&host = one.host](const auto& counted) {
      return counted.first == host;
    });
    if (found == hosts.end()) {
      hosts.emplace_back(one.host, 1);
    } else {
      ++found->second;
    }
  }
  return hosts;
}

std::vector<std::string> launch_line(Launcher launcher, const Layout& layout,
                                     const std::vector<std::string>& program) {
  int ranks = 0;
  for (const auto& [host, count] : layout) ranks += count;
  std::vector<std::string> line;
  if (launcher == Launcher::mpirun) line = mpirun_line(layout, ranks);
  if (launcher == Launcher::srun) line = srun_line(layout, ranks);
  line.insert(line.end(), program.begin(), program.end());
  return line;
}

std::vector<std::pair<std::string, std::string>> users_settings(const char* const* environment) {
  std::vector<std::pair<std::string, std::string>> settings;
  for (; *environment != nullptr; ++environment) {
    const std::string name(*environment, std::strcspn(*environment, "="));
    if (is_users(name) && (*environment)[name.size()] == '=')
      settings.emplace_back(name, *environment + name.size() + 1);
  }
  return settings;
}

}  // namespace parrun::doctor
