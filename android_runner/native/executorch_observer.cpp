#include "executorch_observer.h"

#include <executorch/runtime/platform/clock.h>

#include <string_view>
#include <utility>

namespace pocketbench {

using executorch::runtime::EventTracerEntry;

namespace {

constexpr std::string_view kKernel = "native_call_";
constexpr std::string_view kKernelCall = "OPERATOR_CALL";
constexpr std::string_view kDelegateCall = "DELEGATE_CALL";

// XNNPACK numbers the operators of a kind: `Add (ND) #2`. They are reported together.
std::string delegated_name(const char* name, std::int64_t id) {
  if (!name) return "operator " + std::to_string(id);
  const std::string_view text(name);
  const std::size_t last = text.find_last_not_of("0123456789");
  const bool is_numbered =
      last != std::string_view::npos && last + 1 < text.size() && text[last] == '#';
  std::string_view kind = is_numbered ? text.substr(0, last) : text;
  while (kind.ends_with(' ')) kind.remove_suffix(1);
  return std::string(kind);
}

}  // namespace

ExecutorchObserver::ExecutorchObserver(OperatorTimes& times, std::string delegate)
    : times_(times), delegate_(std::move(delegate)) {}

EventTracerEntry ExecutorchObserver::start_profiling(
    const char* name,
    executorch::runtime::ChainID,
    executorch::runtime::DebugHandle) {
  const std::string_view text(name);
  const bool is_kernel = text.starts_with(kKernel);
  const bool is_delegate = text == kDelegateCall;
  // Whatever else there is, a whole method or its loading, is not an operator.
  is_counted_.push_back(is_kernel || is_delegate || text == kKernelCall);
  if (is_counted_.back()) {
    times_.begin(
        {std::string(is_kernel ? text.substr(kKernel.size()) : text),
         is_delegate ? delegate_ : "",
         ""});
  }
  return {};
}

void ExecutorchObserver::end_profiling(EventTracerEntry) {
  if (is_counted_.back()) times_.end();
  is_counted_.pop_back();
}

EventTracerEntry ExecutorchObserver::start_profiling_delegate(
    const char* name, executorch::runtime::DelegateDebugIntId id) {
  times_.begin({delegated_name(name, id), delegate_, ""});
  return {};
}

void ExecutorchObserver::end_profiling_delegate(
    EventTracerEntry, const void*, std::size_t) {
  times_.end();
}

void ExecutorchObserver::log_profiling_delegate(
    const char* name,
    executorch::runtime::DelegateDebugIntId id,
    et_timestamp_t start_time,
    et_timestamp_t end_time,
    const void*,
    std::size_t) {
  times_.add(
      {delegated_name(name, id), delegate_, ""},
      static_cast<std::int64_t>(
          executorch::runtime::ticks_to_ns(end_time - start_time)));
}

}  // namespace pocketbench
