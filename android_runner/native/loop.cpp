#include "loop.h"

#include <csignal>

#include "clock.h"
#include "decimating_buffer.h"
#include "outputs.h"

namespace pocketbench {
namespace {

volatile std::sig_atomic_t stop_asked = 0;

}  // namespace

void stop_measuring() { stop_asked = 1; }

std::int64_t time_forward(Engine& engine, std::int64_t& start_ns) {
  start_ns = now_ns();
  engine.forward();
  return now_ns() - start_ns;
}

Samples measure(Engine& engine, std::size_t inputs, const Extent& extent) {
  Samples samples;
  std::int64_t start_ns = 0;
  const auto infer = [&](std::int64_t i) {
    engine.stage(static_cast<std::size_t>(i) % inputs);
    const std::int64_t latency_ns = time_forward(engine, start_ns);
    if (samples.output_digest.empty()) {
      samples.output_digest = output_digest(engine);
      samples.first_latency_ns = latency_ns;
    }
    return latency_ns;
  };
  samples.warmup_latencies_ns.reserve(static_cast<std::size_t>(extent.warmup));
  for (int i = 0; i < extent.warmup && !stop_asked; ++i) {
    samples.warmup_latencies_ns.push_back(infer(i));
  }
  DecimatingBuffer kept(
      extent.min_duration_ns > 0 ? kMostKept : 0,
      static_cast<std::size_t>(extent.iterations));
  samples.began_uptime_ns = uptime_ns();
  const std::int64_t began_ns = now_ns();
  std::int64_t done = 0;
  std::int64_t latency_ns = 0;
  do {
    latency_ns = infer(done++);
    kept.add(start_ns - began_ns, latency_ns);
  } while (!stop_asked &&
           (done < extent.iterations ||
            start_ns + latency_ns - began_ns < extent.min_duration_ns));
  samples.was_stopped = stop_asked != 0;
  samples.iterations = done;
  samples.kept_every = kept.every();
  samples.gaps_ns = std::move(kept).gaps_ns();
  samples.latencies_ns = std::move(kept).latencies_ns();
  return samples;
}

Samples measure_tokens(
    Decoder& decoder, std::span<const std::int64_t> prompt, const Flags& flags) {
  Samples samples;
  DecimatingBuffer kept(kMostKept, 0);
  samples.began_uptime_ns = uptime_ns();
  const std::int64_t began_ns = now_ns();
  do {
    const Generated made = generate_again(decoder, prompt, flags);
    for (std::size_t i = 1; i < made.token_ns.size(); ++i) {
      kept.add(
          made.start_ns + made.token_ns[i - 1] - began_ns,
          made.token_ns[i] - made.token_ns[i - 1]);
      ++samples.iterations;
    }
  } while (!stop_asked && now_ns() - began_ns < flags.min_duration_ms * 1'000'000);
  samples.was_stopped = stop_asked != 0;
  samples.kept_every = kept.every();
  samples.gaps_ns = std::move(kept).gaps_ns();
  samples.latencies_ns = std::move(kept).latencies_ns();
  return samples;
}

std::vector<std::int64_t> profile(
    Engine& engine, OperatorTimes& times, std::size_t inputs, const Extent& extent) {
  // ExecuTorch loads once more to be observed, and takes its inputs again.
  engine.observe(times);
  std::vector<std::int64_t> latencies_ns;
  std::int64_t start_ns = 0;
  const auto run = [&](int count) {
    times.clear();
    latencies_ns.clear();
    latencies_ns.reserve(static_cast<std::size_t>(count));
    for (int i = 0; i < count; ++i) {
      engine.stage(static_cast<std::size_t>(i) % inputs);
      times.begin_inference();
      latencies_ns.push_back(time_forward(engine, start_ns));
    }
  };
  run(extent.warmup);
  run(extent.iterations);
  return latencies_ns;
}

}  // namespace pocketbench
