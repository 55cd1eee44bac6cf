// The measurement loop, the same for every engine.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "engine.h"

namespace pocketbench {

// How long the loop goes on: until both the iterations and the time are reached.
struct Extent {
  int warmup;
  int iterations;
  std::int64_t min_duration_ns = 0;
};

struct Samples {
  std::vector<std::int64_t> warmup_latencies_ns;
  std::vector<std::int64_t> latencies_ns;
  std::vector<std::int64_t> gaps_ns;  // before each of them, see kept.h
  std::int64_t iterations = 0;        // main ones that were run
  std::int64_t kept_every = 1;        // of so many the first was kept
  std::optional<std::int64_t> began_uptime_ns;  // when the main ones began
  bool was_stopped = false;
  std::int64_t first_latency_ns = 0;  // the first of all, also in one of the two
  std::string output_digest;          // of the first inference, input 0
};

// Warm-up and main inferences, each going round the inputs from the first.
Samples measure(Engine& engine, std::size_t inputs, const Extent& extent);

// Generations of the same prompt until the time is reached. The step of each token but
// the first is an inference here; what lies between two generations (the cache filled,
// the prompt) is a gap.
Samples measure_tokens(
    Decoder& decoder, std::span<const std::int64_t> prompt, const Flags& flags);

// Ends the loop after the inference it is at; from a signal handler too. One main
// inference, or one generation, is measured all the same.
void stop_measuring();

// The same while the engine's operators are observed, which the engine begins here:
// first as many inferences as the warm-up that are not kept, then the kept ones, whose
// operators are in `times` and whose whole latencies are given back. By their number
// alone, whatever the extent says of time.
std::vector<std::int64_t> profile(
    Engine& engine, OperatorTimes& times, std::size_t inputs, const Extent& extent);

// THE TIMED REGION: one forward call and nothing else.
std::int64_t time_forward(Engine& engine, std::int64_t& start_ns);

}  // namespace pocketbench
