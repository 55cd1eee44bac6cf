#include "spin.h"

#include "clock.h"

namespace pocketbench {
namespace {

constexpr std::int64_t kRampNs = 100'000'000;
constexpr int kStepsPerRound = 20'000;  // some ten microseconds

volatile std::uint64_t sink;

// Each step needs the one before: nothing for a compiler or a wide core to overlap.
void round() {
  std::uint64_t x = 0x9E3779B97F4A7C15;
  for (int i = 0; i < kStepsPerRound; ++i) {
    x ^= x << 13;
    x ^= x >> 7;
    x ^= x << 17;
  }
  sink = x;
}

Spin rounds_for(std::int64_t at_least_ns) {
  Spin done{0, 0};
  const std::int64_t start_ns = now_ns();
  do {
    round();
    ++done.rounds;
    done.elapsed_ns = now_ns() - start_ns;
  } while (done.elapsed_ns < at_least_ns);
  return done;
}

}  // namespace

Spin spin(std::int64_t at_least_ns) {
  rounds_for(kRampNs);
  return rounds_for(at_least_ns);
}

}  // namespace pocketbench
