#include "executorch_errors.h"

#include <executorch/runtime/platform/platform.h>

#include <cstdio>
#include <mutex>
#include <stdexcept>
#include <string>
#include <vector>

namespace pocketbench {

using executorch::runtime::Error;

namespace {

constexpr std::size_t kKeptMessages = 4;

// ExecuTorch returns a code and says what happened in its log. On Android the log is
// the system's; here it is wanted where the code is.
struct {
  std::mutex mutex;
  std::vector<std::string> messages;
} complaints;

void keep_complaint(
    et_timestamp_t,
    et_pal_log_level_t level,
    const char*,
    const char*,
    std::size_t,
    const char* message,
    std::size_t length) {
  if (level != et_pal_log_level_t::kError && level != et_pal_log_level_t::kFatal) {
    return;
  }
  const std::string text(message, length);
  if (level == et_pal_log_level_t::kFatal) {
    // The runtime aborts after this: nobody would read what is kept.
    std::fprintf(stderr, "%s\n", text.c_str());
    return;
  }
  const std::lock_guard lock(complaints.mutex);
  if (complaints.messages.size() < kKeptMessages) complaints.messages.push_back(text);
}

}  // namespace

void keep_executorch_messages() {
  executorch::runtime::register_pal(
      executorch::runtime::PalImpl::create(keep_complaint, __FILE__));
}

void check_executorch(Error error, const char* what) {
  if (error == Error::Ok) {
    const std::lock_guard lock(complaints.mutex);
    complaints.messages.clear();
    return;
  }
  std::string text = std::string(what) + " failed with " +
                     executorch::runtime::to_string(error);
  const std::lock_guard lock(complaints.mutex);
  for (const std::string& message : complaints.messages) text += ": " + message;
  throw std::runtime_error(text);
}

}  // namespace pocketbench
