#include "exec/registry.hpp"

#include <cxxabi.h>
#include <dlfcn.h>
#include <elf.h>
#include <fmt/format.h>
#include <link.h>

#include <cstdlib>
#include <map>
#include <memory>
#include <optional>
#include <stdexcept>

namespace parrun {
namespace {

// PARRUN_TASK runs before main and inside dlopen, so this one table is a global; it only grows.
struct Registry {
  std::map<std::string, Function, std::less<>> by_name;
  std::map<std::type_index, std::string> name_of;
  std::optional<std::string> twice;  ///< a name that two functions claim
};

Registry& registry() {
  static Registry instance;
  return instance;
}

struct BuildIdSearch {
  const void* address;
  std::string build_id;
};

std::string hex(const unsigned char* bytes, std::size_t size) {
  std::string text;
  for (std::size_t i = 0; i < size; ++i) text += fmt::format("{:02x}", bytes[i]);
  return text;
}

std::string gnu_build_id(const char* notes, std::size_t size) {
  constexpr std::size_t kAlign = 4;
  const char* const end = notes + size;
  while (notes + sizeof(ElfW(Nhdr)) <= end) {
    const auto* note = reinterpret_cast<const ElfW(Nhdr)*>(notes);
    const char* name = notes + sizeof *note;
    const char* description = name + (note->n_namesz + kAlign - 1) / kAlign * kAlign;
    if (note->n_type == NT_GNU_BUILD_ID) {
      return hex(reinterpret_cast<const unsigned char*>(description), note->n_descsz);
    }
    notes = description + (note->n_descsz + kAlign - 1) / kAlign * kAlign;
  }
  return {};
}

// dl_iterate_phdr's callback: fills in the build id of the object that `address` lies in.
int match_object(dl_phdr_info* object, std::size_t /*size*/, void* data) {
  auto& search = *static_cast<BuildIdSearch*>(data);
  const auto address = reinterpret_cast<ElfW(Addr)>(search.address);
  bool inside = false;
  std::string build_id;
  for (int i = 0; i < object->dlpi_phnum; ++i) {
    const ElfW(Phdr)& segment = object->dlpi_phdr[i];
    const ElfW(Addr) begin = object->dlpi_addr + segment.p_vaddr;
    if (segment.p_type == PT_LOAD && address >= begin && address < begin + segment.p_memsz) inside = true;
    if (segment.p_type == PT_NOTE && build_id.empty()) {
      build_id = gnu_build_id(reinterpret_cast<const char*>(begin), segment.p_memsz);
    }
  }
  if (inside) search.build_id = build_id;
  return inside ? 1 : 0;
}

std::string build_id_of(const void* address) {
  BuildIdSearch search{address, {}};
  dl_iterate_phdr(match_object, &search);
  return search.build_id;
}

void erase_all(std::string& text, std::string_view part) {
  for (std::size_t at = text.find(part); at != text.npos; at = text.find(part, at))
    text.erase(at, part.size());
}

// "simulate" of detail::spelled()'s "... [with auto F = simulate]", or by clang "... [F = &simulate]".
std::string callable_in(std::string_view spelled) {
  const std::size_t equals = spelled.find(" = ", spelled.find('['));
  if (equals == spelled.npos || !spelled.ends_with(']')) return std::string(spelled);
  std::string name(spelled.substr(equals + 3, spelled.size() - equals - 4));
  if (name.starts_with('&')) name.erase(0, 1);
  erase_all(name, "{anonymous}::");
  erase_all(name, "(anonymous namespace)::");
  return name;
}

}  // namespace

void detail::add_function(Function function) {
  Registry& table = registry();
  const std::string name = function.name;
  table.name_of.emplace(function.key, name);
  const auto [at, inserted] = table.by_name.emplace(name, std::move(function));
  if (!inserted) table.twice = name;
}

const std::string& detail::function_name(std::type_index key, const char* spelled) {
  const auto found = registry().name_of.find(key);
  if (found == registry().name_of.end()) {
    const std::string name = callable_in(spelled);
    const bool unnamed =
        name.starts_with('<') || name.starts_with('{');  // to the compiler: "<lambda(int)>{}", "{2}"
    throw std::logic_error(
        fmt::format("{} is not registered as a task function: write PARRUN_TASK({}); behind its definition",
                    name, unnamed ? "its variable's name" : name));
  }
  return found->second;
}

const Function* find_function(std::string_view name) {
  const auto found = registry().by_name.find(name);
  return found == registry().by_name.end() ? nullptr : &found->second;
}

std::vector<std::string> registered_names() {
  std::vector<std::string> names;
  for (const auto& [name, function] : registry().by_name) names.push_back(name);
  return names;
}

std::vector<std::string> registry_fingerprint() {
  std::vector<std::string> lines;
  for (const auto& [name, function] : registry().by_name) {
    lines.push_back(fmt::format("{}{}{} {}", name, kNameEnd, demangled(function.signature.name()),
                                build_id_of(function.code)));
  }
  return lines;
}

std::string registry_problem() {
  if (!registry().twice) return {};
  return fmt::format(
      "the task function '{}' is registered twice; give one another name, with PARRUN_TASK_NAMED",
      *registry().twice);
}

void load_module(const std::string& path) {
  // Without a slash dlopen would search the system's library path, not the folder the user is in.
  const std::string file = path.find('/') == path.npos ? "./" + path : path;
  if (dlopen(file.c_str(), RTLD_NOW | RTLD_LOCAL) == nullptr) {
    throw InputError(fmt::format(
        "cannot load module: {}; give --load the path of a module built against this parrun", dlerror()));
  }
  if (const std::string problem = registry_problem(); !problem.empty()) {
    throw InputError(fmt::format("module {}: {}", path, problem));
  }
}

std::string demangled(const char* name) {
  int status = 0;
  const std::unique_ptr<char, decltype(&std::free)> text(abi::__cxa_demangle(name, nullptr, nullptr, &status),
                                                         &std::free);
  return status == 0 ? text.get() : name;
}

}  // namespace parrun
