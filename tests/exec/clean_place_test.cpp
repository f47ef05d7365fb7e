#include "exec/clean_place.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <linux/capability.h>
#include <sched.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>
#ifdef __x86_64__
#include <fpu_control.h>
#include <xmmintrin.h>
#endif

#include <array>
#include <atomic>
#include <clocale>
#include <cstdio>
#include <cstdlib>
#include <cwchar>
#include <filesystem>
#include <functional>
#include <iostream>
#include <locale>
#include <string>
#include <thread>
#include <utility>
#include <vector>
#include "support/sanitizers.hpp"

namespace {

using namespace std::chrono_literals;
using namespace parrun;

// What `leave` left in a process of its own, and whether the place was clean again: then `is_clean` holds.
enum class Found { clean, dirty, given_up };

using Restore = std::function<bool(CleanPlace&)>;

bool restore(CleanPlace& place) { return place.restore(1s); }
bool restore_untouched(CleanPlace& place) { return place.restore_untouched(); }

Found after(const std::function<void()>& leave, const std::function<bool()>& is_clean,
            const Restore& restored = restore) {
  const pid_t child = fork();
  if (child == 0) {
    CleanPlace place;
    leave();
    _exit(static_cast<int>(!restored(place) ? Found::given_up : is_clean() ? Found::clean : Found::dirty));
  }
  int status = 0;
  EXPECT_EQ(waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFEXITED(status));
  return static_cast<Found>(WEXITSTATUS(status));
}

bool always() { return true; }

TEST(CleanPlace, OneThatNothingWasLeftInStaysAsItIs) {
  EXPECT_EQ(after([] {}, always), Found::clean);
}

TEST(CleanPlace, TheFolderIsPutBack) {
  const auto here = std::filesystem::current_path();
  EXPECT_EQ(after([] { std::filesystem::current_path("/"); },
                  [&] { return std::filesystem::current_path() == here; }),
            Found::clean);
}

// To set the streams' locale sets C's too.
TEST(CleanPlace, EachLocaleIsPutBackWhereTheyDiffer) {
  setlocale(LC_ALL, "C.UTF-8");
  const auto leave = [] { std::locale::global(std::locale("C.UTF-8")); };
  const auto is_clean = [] {
    return setlocale(LC_ALL, nullptr) == std::string("C.UTF-8") && std::locale() == std::locale::classic();
  };
  for (const Restore& way : {Restore(restore), Restore(restore_untouched)})
    EXPECT_EQ(after(leave, is_clean, way), Found::clean);
  setlocale(LC_ALL, "C");
}

TEST(CleanPlace, StreamsThatWereTakenOffStdioEndTheirProcess) {
  if (!std::ios::sync_with_stdio(true)) GTEST_SKIP() << "another test of this process has taken them off";
  const auto leave = [] {
    std::streambuf* const before = std::cout.rdbuf();
    std::ios::sync_with_stdio(false);
    std::cout.rdbuf(before);
  };
  for (const Restore& way : {Restore(restore), Restore(restore_untouched)})
    EXPECT_EQ(after(leave, always, way), Found::given_up);
}

TEST(CleanPlace, VariablesAreTakenAwayAddedAndChangedBack) {
  setenv("CLEAN_PLACE_KEPT", "before", 1);
  setenv("CLEAN_PLACE_REMOVED", "there", 1);
  const auto leave = [] {
    setenv("CLEAN_PLACE_NEW", "left", 1);
    setenv("CLEAN_PLACE_KEPT", "changed", 1);
    unsetenv("CLEAN_PLACE_REMOVED");
  };
  EXPECT_EQ(after(leave,
                  [] {
                    return getenv("CLEAN_PLACE_NEW") == nullptr &&
                           getenv("CLEAN_PLACE_KEPT") == std::string("before") &&
                           getenv("CLEAN_PLACE_REMOVED") == std::string("there");
                  }),
            Found::clean);
  EXPECT_EQ(after([] { clearenv(); }, [] { return getenv("CLEAN_PLACE_KEPT") != nullptr; }), Found::clean);
}

TEST(CleanPlace, UmaskMaskAndTimersArePutBack) {
  const auto leave = [] {
    umask(0777);
    sigset_t all;
    sigfillset(&all);
    sigprocmask(SIG_BLOCK, &all, nullptr);
    alarm(1);
  };
  EXPECT_EQ(after(leave,
                  [] {
                    sigset_t mask;
                    sigprocmask(SIG_SETMASK, nullptr, &mask);
                    return umask(0) != 0777 && sigismember(&mask, SIGTERM) == 0 && alarm(0) == 0;
                  }),
            Found::clean);
}

TEST(CleanPlace, HandlersAndLimitsArePutBack) {
  const auto leave = [] {
    signal(SIGTERM, SIG_IGN);
    signal(SIGUSR1, [](int) {});
    rlimit few{};
    getrlimit(RLIMIT_NOFILE, &few);
    few.rlim_cur = 100;
    setrlimit(RLIMIT_NOFILE, &few);
  };
  EXPECT_EQ(after(leave,
                  [] {
                    rlimit present{};
                    getrlimit(RLIMIT_NOFILE, &present);
                    return signal(SIGTERM, SIG_DFL) == SIG_DFL && signal(SIGUSR1, SIG_DFL) == SIG_DFL &&
                           present.rlim_cur != 100;
                  }),
            Found::clean);
}

TEST(CleanPlace, BehindACommandIsPutBackWhatOthersCanChangeAndWhatShortFunctionsLeft) {
  const auto behind_command = [](CleanPlace& place) { return place.restore_behind_command(1s); };
  const auto files = [] {
    rlimit present{};
    getrlimit(RLIMIT_NOFILE, &present);
    return present;
  };
  const auto cut_limit = [&] {
    rlimit few = files();
    few.rlim_cur = 100;
    setrlimit(RLIMIT_NOFILE, &few);
  };
  EXPECT_EQ(after(
                cut_limit, [&] { return files().rlim_cur != 100; }, behind_command),
            Found::clean);
  const auto handler_is_gone = [] { return signal(SIGUSR1, SIG_DFL) == SIG_DFL; };
  const auto short_functions = [](bool then_command) {
    return [=](CleanPlace& place) {
      constexpr int kUntilNothingIsSaved = 10'000;
      for (int i = 0; i < kUntilNothingIsSaved; ++i) place.restore(0s);
      signal(SIGUSR1, [](int) {});
      return place.restore(0s) && (!then_command || place.restore_behind_command(1s));
    };
  };
  EXPECT_EQ(after([] {}, handler_is_gone, short_functions(false)), Found::dirty) << "no look was earned";
  EXPECT_EQ(after([] {}, handler_is_gone, short_functions(true)), Found::clean);
}

TEST(CleanPlace, RoundingLocaleAndStreamsArePutBack) {
  const auto leave = [] {
    fesetround(FE_UPWARD);
    setlocale(LC_ALL, "C.UTF-8");
    std::cout << std::hex;
    std::cout.precision(2);
    std::cout.setstate(std::ios::failbit);
    std::cerr.rdbuf(nullptr);
  };
  EXPECT_EQ(after(leave,
                  [] {
                    return fegetround() == FE_TONEAREST && setlocale(LC_ALL, nullptr) == std::string("C") &&
                           std::cout.good() && std::cout.precision() == 6 &&
                           (std::cout.flags() & std::ios::hex) == 0 && std::cerr.good();
                  }),
            Found::clean);
}

TEST(CleanPlace, WhatIsChangedWithoutASystemCallIsPutBackWithoutOne) {
  const std::vector<std::pair<std::function<void()>, std::function<bool()>>> changes = {
      {[] { fesetround(FE_DOWNWARD); }, [] { return fegetround() == FE_TONEAREST; }},
      {[] { feenableexcept(FE_OVERFLOW); }, [] { return fegetexcept() == 0; }},
      {[] { feraiseexcept(FE_INVALID); }, [] { return fetestexcept(FE_INVALID) == 0; }},
      {[] { std::cout << std::hex; }, [] { return (std::cout.flags() & std::ios::hex) == 0; }},
      {[] { std::cout.width(9); }, [] { return std::cout.width() == 0; }},
      {[] { std::cerr.fill('*'); }, [] { return std::cerr.fill() == ' '; }},
      {[] { std::cerr.precision(2); }, [] { return std::cerr.precision() == 6; }},
      {[] { std::cout.exceptions(std::ios::badbit); },
       [] { return std::cout.exceptions() == std::ios::goodbit; }},
      {[] { std::cerr.tie(nullptr); }, [] { return std::cerr.tie() == &std::cout; }},
      {[] { std::cout.imbue(std::locale("C.UTF-8")); },
       [] { return std::cout.getloc() == std::locale::classic(); }},
#ifdef __x86_64__
      {[] {
         fpu_control_t control = (_FPU_DEFAULT & ~_FPU_EXTENDED) | _FPU_DOUBLE;
         _FPU_SETCW(control);
       },
       [] {
         fpu_control_t control = 0;
         _FPU_GETCW(control);
         return (control & _FPU_EXTENDED) == _FPU_EXTENDED;
       }},
      {[] { _mm_setcsr(_mm_getcsr() | _MM_FLUSH_ZERO_ON); },
       [] { return (_mm_getcsr() & _MM_FLUSH_ZERO_ON) == 0; }},
#endif
  };
  for (std::size_t i = 0; i < changes.size(); ++i) {
    const auto& [leave, is_clean] = changes[i];
    EXPECT_EQ(after(leave, is_clean, restore_untouched), Found::clean) << i;
    EXPECT_EQ(after(leave, is_clean, [](CleanPlace&) { return true; }), Found::dirty) << i;
  }
}

TEST(CleanPlace, AFewDescriptorsDoNoHarmAndManyAreGivenUp) {
  const auto leave = [](int count) {
    return [count] {
      for (int i = 0; i < count; ++i) dup(STDERR_FILENO);
    };
  };
  EXPECT_EQ(after(leave(3), always), Found::clean);
  EXPECT_EQ(after(leave(100), always), Found::given_up);
  EXPECT_EQ(after([] { close(STDIN_FILENO); }, always), Found::given_up);
}

TEST(CleanPlace, ThreadsThatAreJoinedAreNoneAndOneThatIsLeftIsGivenUp) {
  if (parrun::test::kSanitized) GTEST_SKIP() << "sanitizers take memory and threads of their own";
  EXPECT_EQ(after([] { std::thread([] {}).join(); }, always), Found::clean);
  EXPECT_EQ(after([] { std::thread([] { std::this_thread::sleep_for(1min); }).detach(); }, always),
            Found::given_up);
}

TEST(CleanPlace, OrphansAndTheGlobalLocaleAreAsBefore) {
  prctl(PR_SET_CHILD_SUBREAPER, 1);
  const auto leave = [] {
    prctl(PR_SET_CHILD_SUBREAPER, 0);
    std::locale::global(std::locale("C.UTF-8"));
  };
  EXPECT_EQ(after(leave,
                  [] {
                    int adopts = 0;
                    prctl(PR_GET_CHILD_SUBREAPER, &adopts);
                    return adopts == 1 && std::locale() == std::locale::classic();
                  }),
            Found::clean);
  prctl(PR_SET_CHILD_SUBREAPER, 0);
}

TEST(CleanPlace, EachResourceLimitAndTheTimerSlackArePutBack) {
  for (int number = 0; number < RLIM_NLIMITS; ++number) {
    const auto of_number = [number] {
      rlimit limit{};
      getrlimit(static_cast<__rlimit_resource>(number), &limit);
      return limit;
    };
    const rlimit before = of_number();
    rlimit less = before;
    less.rlim_cur = before.rlim_cur == 0 ? 0 : before.rlim_cur / 2;
    EXPECT_EQ(after([&] { setrlimit(static_cast<__rlimit_resource>(number), &less); },
                    [&] { return of_number().rlim_cur == before.rlim_cur; }),
              Found::clean)
        << number;
  }
  const int slack = prctl(PR_GET_TIMERSLACK, 0, 0, 0, 0);
  EXPECT_EQ(after([] { prctl(PR_SET_TIMERSLACK, 99'999'999UL); },
                  [slack] { return prctl(PR_GET_TIMERSLACK, 0, 0, 0, 0) == slack; }),
            Found::clean);
}

TEST(CleanPlace, OneWhosePrivilegesWereGivenAwayIsGivenUp) {
  EXPECT_EQ(after([] { prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); }, always), Found::given_up);
  constexpr uid_t kNobody = 65534;
  if (geteuid() != 0) return;  // the rest is for those who have any
  EXPECT_EQ(after([] { EXPECT_EQ(setegid(kNobody), 0); }, always), Found::given_up);
  EXPECT_EQ(after([] { EXPECT_EQ(seteuid(kNobody), 0); }, always), Found::given_up);
  for (const int kind : {CLONE_NEWUTS, CLONE_NEWPID}) {
    EXPECT_EQ(after([&] { EXPECT_EQ(unshare(kind), 0); }, always), Found::given_up) << kind;
  }
  EXPECT_EQ(after([] { EXPECT_EQ(chroot("/proc"), 0); }, always), Found::given_up);
  const auto drop_capabilities = [] {
    __user_cap_header_struct header{.version = _LINUX_CAPABILITY_VERSION_3, .pid = 0};
    std::array<__user_cap_data_struct, _LINUX_CAPABILITY_U32S_3> none{};
    EXPECT_EQ(syscall(SYS_capset, &header, none.data()), 0);
  };
  EXPECT_EQ(after(drop_capabilities, always), Found::given_up);
}

TEST(CleanPlace, ATimerThatAFunctionHasMadeIsGivenUp) {
  const auto leave = [] {
    timer_t timer{};
    EXPECT_EQ(timer_create(CLOCK_MONOTONIC, nullptr, &timer), 0);
  };
  EXPECT_EQ(after(leave, always), Found::given_up);
  const auto twice = [](CleanPlace& place) { return place.restore(1s) && place.restore(1s); };
  EXPECT_EQ(after([] {}, always, twice), Found::clean) << "one of ours is none of a function's";
}

TEST(CleanPlace, AnotherPersonalityIsGivenUp) {
  EXPECT_EQ(
      after([] { personality(static_cast<unsigned long>(personality(0xffffffff)) ^ ADDR_NO_RANDOMIZE); },
            always),
      Found::given_up);
}

TEST(CleanPlace, StreamsThatHaveTakenWideCharactersAreGivenUp) {
  for (FILE* const stream : {stdout, stderr}) {
    const auto leave = [&] {
      ASSERT_NE(std::freopen("/dev/null", "w", stream), nullptr);  // as one that nothing was written to
      std::fwide(stream, 1);
    };
    EXPECT_EQ(after(leave, always, restore_untouched), Found::given_up);
  }
}

TEST(CleanPlace, OneThatIsSuspectedIsLookedAtWithoutHavingEarnedIt) {
  const auto short_functions = [](bool suspected) {
    return [=](CleanPlace& place) {
      for (int i = 0; i < 10'000; ++i) place.restore(0s);
      signal(SIGUSR1, [](int) {});
      if (!place.restore(0s)) return false;
      if (suspected) place.suspect();
      return place.restore_behind_command(0s);
    };
  };
  const auto handler_is_gone = [] { return signal(SIGUSR1, SIG_DFL) == SIG_DFL; };
  EXPECT_EQ(after([] {}, handler_is_gone, short_functions(false)), Found::dirty);
  EXPECT_EQ(after([] {}, handler_is_gone, short_functions(true)), Found::clean);
}

TEST(CleanPlace, APriorityThatIsLowerIsGivenUp) {
  EXPECT_EQ(after([] { setpriority(PRIO_PROCESS, 0, 5); }, always), Found::given_up);
}

// In a long row of short attempts a signal that few programs use may wait; what they all use may not.
TEST(CleanPlace, CloseLooksAreEarnedByTheTimeOfAttempts) {
  const pid_t child = fork();
  if (child == 0) {
    CleanPlace place;
    const auto is_ignored_after = [&](int number, Duration elapsed) {
      signal(number, SIG_IGN);
      place.restore(elapsed);
      struct sigaction present {};
      sigaction(number, nullptr, &present);
      return present.sa_handler == SIG_IGN;
    };
    int looks = 0;
    while (!is_ignored_after(SIGURG, 1ns) && looks < 100'000) ++looks;
    const bool saved_up = looks > 0 && looks < 100'000;
    const bool at_once = !is_ignored_after(SIGCHLD, 1ns);
    const bool earned = !is_ignored_after(SIGURG, 1s);
    _exit(saved_up && at_once && earned ? 0 : 1);
  }
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
}

}  // namespace
