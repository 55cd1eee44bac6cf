// The one clock every figure comes from.
#pragma once

#include <time.h>

#include <chrono>
#include <cstdint>
#include <optional>

namespace pocketbench {

// Nanoseconds of the monotonic clock, from an arbitrary start.
inline std::int64_t now_ns() {
  using Clock = std::chrono::steady_clock;
  static_assert(Clock::is_steady);
  return std::chrono::duration_cast<std::chrono::nanoseconds>(
             Clock::now().time_since_epoch())
      .count();
}

// Nanoseconds since the system started, suspended time included: the clock of
// /proc/uptime, which a reader of the phone's state can read too.
inline std::optional<std::int64_t> uptime_ns() {
#ifdef CLOCK_BOOTTIME
  timespec now;
  if (::clock_gettime(CLOCK_BOOTTIME, &now) == 0) {
    return std::int64_t{now.tv_sec} * 1'000'000'000 + now.tv_nsec;
  }
#endif
  return std::nullopt;
}

}  // namespace pocketbench
