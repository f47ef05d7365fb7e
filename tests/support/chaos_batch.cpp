#include "support/chaos_batch.hpp"

#include <gmock/gmock.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <map>

#include "support/chaos_kinds.hpp"

namespace parrun::test {
namespace {

using Json = Batch::Json;
using Deck = std::vector<const ChaosKind*>;

unsigned present_umask() {
  const mode_t mask = ::umask(0);
  ::umask(mask);
  return mask;
}

// Each kind once, as far as that goes; then any.
void deal(Deck& deck, const std::vector<ChaosKind>& kinds, int count, std::mt19937& random) {
  Deck each;
  for (const ChaosKind& kind : kinds) each.push_back(&kind);
  std::shuffle(each.begin(), each.end(), random);
  for (std::size_t i = 0; i < static_cast<std::size_t>(count); ++i) {
    deck.push_back(i < each.size() ? each[i] : each[random() % each.size()]);
  }
}

// How the object differs from what was foretold, or empty.
std::string difference(const Json& object, const Foretold& foretold) {
  std::string text;
  const auto check = [&](bool holds, const std::string& what) {
    if (!holds) text += "  not as foretold: " + what + "\n";
  };
  const auto part = [&](const char* key, const std::string& wanted) {
    const Json found = object.contains(key) ? object[key] : Json();
    if (wanted.empty()) return check(found.is_null(), std::string("no ") + key);
    check(found.is_string() && found.get<std::string>().find(wanted) != std::string::npos,
          std::string(key) + " with '" + wanted + "'");
  };
  check(object["state"] == foretold.state, foretold.state);
  check(object["exit_code"] == foretold.exit_code, "exit code " + std::to_string(foretold.exit_code));
  check(object["signal"] == foretold.signal, "signal " + std::to_string(foretold.signal));
  check(object["attempt"] == foretold.earlier.size() + 1, "the number of attempts");
  part("error", foretold.error);
  if (foretold.warning) part("warning", *foretold.warning);
  if (foretold.value) check(object["value"] == *foretold.value, "value " + foretold.value->dump());
  if (foretold.stdout_text) {
    check(object["stdout"] == *foretold.stdout_text, "stdout '" + foretold.stdout_text->substr(0, 60) + "'");
  }
  std::vector<std::string> earlier;
  if (object.contains("earlier")) {
    for (const Json& attempt : object["earlier"]) earlier.push_back(attempt["state"].get<std::string>());
  }
  check(earlier == foretold.earlier, "the attempts before the last");
  return text;
}

}  // namespace

ChaosBatch::ChaosBatch(unsigned seed, const Size& size, const TempDir& dir) {
  std::mt19937 random(seed);
  const ChaosKinds kinds = chaos_kinds();
  Deck deck;
  deal(deck, kinds.slow, size.slow, random);
  deal(deck, kinds.bad, size.bad - size.slow, random);
  deal(deck, kinds.good, size.tasks - size.bad, random);
  std::shuffle(deck.begin(), deck.end(), random);
  batch_.load(test_module("chaos"));
  ChaosPlace place{batch_,
                   0,
                   random,
                   dir,
                   present_umask(),
                   ::getpriority(PRIO_PROCESS, 0),
                   std::filesystem::current_path().string()};
  for (const ChaosKind* kind : deck) {
    entries_.push_back({kind->name, kind->add(place)});
    ++place.task;
  }
}

unsigned ChaosBatch::seed() {
  constexpr unsigned kSeed = 20240611;
  const char* const given = std::getenv("PARRUN_CHAOS_SEED");
  return given != nullptr ? static_cast<unsigned>(std::strtoul(given, nullptr, 10)) : kSeed;
}

void ChaosBatch::expect_as_foretold(const Outcomes& run) const {
  constexpr int kShown = 20;
  int wrong = 0;
  for (std::size_t task = 0; task < entries_.size(); ++task) {
    const auto found = run.by_task.find(static_cast<int>(task));
    const std::string what =
        found == run.by_task.end() ? "  is missing\n" : difference(found->second, entries_[task].foretold);
    if (what.empty() || ++wrong > kShown) continue;
    ADD_FAILURE() << "task " << task << ", " << entries_[task].kind << ":\n"
                  << what
                  << (found == run.by_task.end() ? "" : found->second.dump(-1, ' ', false).substr(0, 2000));
  }
  EXPECT_EQ(wrong, 0) << "tasks that did not come to what was foretold";
  EXPECT_EQ(run.by_task.size(), entries_.size());
  EXPECT_EQ(run.result.exit_code, 1) << run.result.err;
  expect_summary(run);
}

void ChaosBatch::expect_summary(const Outcomes& run) const {
  std::map<std::string, int> states;
  for (const Entry& entry : entries_) ++states[entry.foretold.state];
  const std::string summary =
      std::to_string(entries_.size()) + " tasks: " + std::to_string(states["succeeded"]) + " succeeded, " +
      std::to_string(states["failed"]) + " failed, " + std::to_string(states["timed_out"]) + " timed_out; ";
  EXPECT_THAT(run.result.err, ::testing::HasSubstr(summary));
}

}  // namespace parrun::test
