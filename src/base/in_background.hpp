#pragma once
#include <chrono>
#include <future>
#include <thread>
#include <type_traits>
#include <utility>

namespace parrun {

/// Does `work` on a thread of its own, for what may never come back: a disk, a controller. Nobody has to wait
/// for it, the future's destructor neither; so it refers to nothing that may go before it.
template <typename Work>
std::future<std::invoke_result_t<Work&>> in_background(Work work) {
  std::packaged_task<std::invoke_result_t<Work&>()> task(std::move(work));
  auto result = task.get_future();
  std::thread(std::move(task)).detach();
  return result;
}

template <typename T>
bool is_ready(const std::future<T>& result) {
  return result.wait_for(std::chrono::seconds(0)) == std::future_status::ready;
}

}  // namespace parrun
