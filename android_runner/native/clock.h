// The one clock every figure comes from.
#pragma once

#include <chrono>
#include <cstdint>

namespace pocketbench {

// Nanoseconds of the monotonic clock, from an arbitrary start.
inline std::int64_t now_ns() {
  using Clock = std::chrono::steady_clock;
  static_assert(Clock::is_steady);
  return std::chrono::duration_cast<std::chrono::nanoseconds>(
             Clock::now().time_since_epoch())
      .count();
}

}  // namespace pocketbench
