// The measurement loop, the same for every engine.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "engine.h"

namespace pocketbench {

struct Samples {
  std::vector<std::int64_t> warmup_latencies_ns;
  std::vector<std::int64_t> latencies_ns;
  std::int64_t first_latency_ns = 0;  // the first of all, also in one of the two
  std::string output_digest;          // of the first inference, input 0
};

// Warm-up and main inferences, each going round the inputs from the first.
Samples measure(Engine& engine, std::size_t inputs, int warmup, int iterations);

// THE TIMED REGION: one forward call and nothing else.
std::int64_t time_forward(Engine& engine);

}  // namespace pocketbench
