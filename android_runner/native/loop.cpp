#include "loop.h"

#include "clock.h"

namespace pocketbench {

std::int64_t time_forward(Engine& engine) {
  const std::int64_t start_ns = now_ns();
  engine.forward();
  return now_ns() - start_ns;
}

Samples measure(Engine& engine, std::size_t inputs, int warmup, int iterations) {
  Samples samples;
  const auto run = [&](std::vector<std::int64_t>& latencies_ns, int count) {
    latencies_ns.reserve(static_cast<std::size_t>(count));
    for (int i = 0; i < count; ++i) {
      engine.stage(static_cast<std::size_t>(i) % inputs);
      latencies_ns.push_back(time_forward(engine));
      if (samples.output_digest.empty()) {
        Sha256 hash;
        engine.hash_output(hash);
        samples.output_digest = hash.hex_digest();
        samples.first_latency_ns = latencies_ns.front();
      }
    }
  };
  run(samples.warmup_latencies_ns, warmup);
  run(samples.latencies_ns, iterations);
  return samples;
}

}  // namespace pocketbench
