#include "program.h"

#include <unistd.h>

#include <cmath>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include "base64.h"
#include "clock.h"
#include "loop.h"
#include "memory.h"
#include "operators.h"
#include "outputs.h"
#include "spin.h"

namespace pocketbench {
namespace {

// What a launch is doing, which names the error when it fails there.
struct Phase {
  Exit exit;
  const char* error;
};
constexpr Phase kFlags{Exit::kBadFlags, "flags"};
constexpr Phase kLoad{Exit::kNotLoaded, "load"};
constexpr Phase kInputs{Exit::kNoInputs, "inputs"};
constexpr Phase kForward{Exit::kModelRaised, "forward"};
constexpr Phase kProfile{Exit::kNotProfiled, "profile"};
constexpr Phase kGenerate{Exit::kNotGenerating, "generate"};

Line header(const Engine& engine) {
  return Line()
      .add("wire", kProtocolVersion)
      .add_text("runner", engine.name())
      .add_text("runtime", engine.runtime())
      .add("pid", ::getpid());
}

// The cost of observing shows in the latencies, beside those of the measured launches.
void profile_operators(
    Engine& engine, const Flags& flags, const Inputs& inputs, ProtocolWriter& writer) {
  // The engine keeps it to the end of the process.
  static OperatorTimes times;
  const std::vector<std::int64_t> latencies_ns =
      profile(engine, times, inputs.count, {flags.warmup, flags.iterations});
  if (times.empty()) {
    throw std::runtime_error("the runtime was built without operator reporting");
  }
  writer.write(Line().add("profiled_latencies_ns", latencies_ns));
  Line line;
  times.write(line);
  writer.write(line);
}

void print_memory(
    const ProcessStatus& before,
    const ProcessStatus& after,
    const ProcessStatus& end,
    ProtocolWriter& writer) {
  writer.write(Line()
                 .add("rss_before_load_bytes", before.rss_bytes)
                 .add("rss_after_load_bytes", after.rss_bytes)
                 .add("peak_rss_bytes", end.peak_rss_bytes)
                 .add("swap_bytes", end.swap_bytes)
                 .add("rss_bytes", end.rss_bytes)
                 .add("pss_bytes", read_pss_bytes())
                 .add("os_threads", end.threads));
}

void print_samples(
    const Samples& samples, const Flags& flags, ProtocolWriter& writer) {
  writer.write(Line().add("latencies_ns", samples.latencies_ns));
  if (flags.gaps) {
    writer.write(Line()
                   .add("gaps_ns", samples.gaps_ns)
                   .add("began_uptime_ns", samples.began_uptime_ns));
  }
  if (flags.min_duration_ms > 0) {
    writer.write(Line()
                   .add("iterations", samples.iterations)
                   .add("kept_every", samples.kept_every)
                   .add_flag("stopped", samples.was_stopped));
  }
}

void print_generation(
    Engine& engine, const Flags& flags, ProtocolWriter& writer, Phase& phase) {
  phase = kGenerate;
  Decoder& decoder = engine.decoder();
  const std::vector<std::int64_t> prompt = checked_prompt(decoder, flags);
  phase = kForward;
  if (!flags.score_ids.empty()) {
    const double loss = mean_loss(decoder, flags.score_ids);
    writer.write(Line().add(
        "mean_loss_millionths", static_cast<std::int64_t>(std::llround(1e6 * loss))));
  }
  const Generation made = generate(decoder, prompt, flags);
  writer.write(Line()
                 .add("prompt_tokens", static_cast<std::int64_t>(prompt.size()))
                 .add("kv_depth", flags.kv_depth)
                 .add("vocabulary_size", decoder.vocabulary_size())
                 .add("context_tokens", decoder.context_tokens())
                 .add("rss_after_prefill_bytes", made.rss_after_prefill_bytes));
  writer.write(Line()
                 .add("token_ns", made.measured.token_ns)
                 .add("token_ids", made.measured.token_ids)
                 .add_flag("stopped_early", made.measured.stopped_early));
  if (flags.min_duration_ms > 0) {
    print_samples(measure_tokens(decoder, prompt, flags), flags, writer);
  }
}

void launch(Engine& engine, const Flags& flags, ProtocolWriter& writer, Phase& phase) {
  phase = kLoad;
  const int threads = engine.use_threads(flags.threads);
  const bool is_steady = flags.steady_heap && engine.make_heap_steady();
  Line first = header(engine);
  first.add_text("heap", is_steady ? "steady" : "system")
      .add("threads", threads)
      .add("seed", static_cast<std::int64_t>(flags.seed));
  engine.describe(first);
  writer.write(first);

  engine.prepare(flags.model);
  const ProcessStatus before = read_process_status();
  const std::int64_t start_ns = now_ns();
  engine.load(flags.model);
  const std::int64_t load_ns = now_ns() - start_ns;
  const ProcessStatus after = read_process_status();
  writer.write(Line().add("load_ns", load_ns));

  if (flags.min_duration_ms > 0) std::signal(SIGTERM, [](int) { stop_measuring(); });
  if (flags.generate) {
    print_generation(engine, flags, writer, phase);
    print_memory(before, after, read_process_status(), writer);
    return;
  }
  phase = kInputs;
  const Inputs inputs =
      flags.input_data.empty()
          ? engine.prepare_inputs(flags.inputs, flags.seed)
          : engine.read_inputs(flags.inputs, read_input_data(flags.input_data));
  writer.write(Line()
                 .add_text("inputs", inputs.source)
                 .add("input_count", static_cast<std::int64_t>(inputs.count)));

  phase = kForward;
  if (flags.outputs) {
    print_outputs(engine, inputs.count, writer);
    return;
  }
  const Samples samples = measure(
      engine,
      inputs.count,
      {flags.warmup, flags.iterations, flags.min_duration_ms * 1'000'000});
  const ProcessStatus end = read_process_status();
  writer.write(Line().add("first_latency_ns", samples.first_latency_ns));
  writer.write(Line().add("warmup_latencies_ns", samples.warmup_latencies_ns));
  print_samples(samples, flags, writer);
  print_memory(before, after, end, writer);
  writer.write(Line().add_text("output_digest", samples.output_digest));

  if (flags.profile_operators) {
    phase = kProfile;
    profile_operators(engine, flags, inputs, writer);
  }
}

// Of all inputs, every float32 that the model answers.
std::vector<float> answers(Engine& engine, const Flags& flags) {
  const Inputs inputs = engine.prepare_inputs(flags.inputs, flags.seed);
  std::vector<float> found;
  for (std::size_t i = 0; i < inputs.count; ++i) {
    engine.stage(i);
    engine.forward();
    engine.visit_output([&](const OutputPart& part) {
      if (part.dtype != "float32") return;
      const std::size_t before = found.size();
      found.resize(before + part.bytes.size() / sizeof(float));
      std::memcpy(found.data() + before, part.bytes.data(), part.bytes.size());
    });
  }
  return found;
}

// 10 log10(signal power / error power), rounded down; none: they are the same.
std::optional<std::int64_t> sqnr_db(
    const std::vector<float>& expected, const std::vector<float>& actual) {
  if (expected.size() != actual.size()) {
    throw std::runtime_error("prepacked, the model answers in other shapes");
  }
  double signal = 0, error = 0;
  for (std::size_t i = 0; i < expected.size(); ++i) {
    if (expected[i] == actual[i]) continue;
    error += std::pow(static_cast<double>(expected[i]) - actual[i], 2);
  }
  if (error == 0) return std::nullopt;
  for (const float value : expected) signal += std::pow(value, 2.0);
  // Not numbers where the original has some: as far off as can be.
  if (!std::isfinite(error) || signal == 0) return 0;
  return static_cast<std::int64_t>(std::floor(10 * std::log10(signal / error)));
}

void print_prepacked(
    Engine& engine, const Flags& flags, ProtocolWriter& writer, Phase& phase) {
  writer.write(header(engine));
  phase = kLoad;
  engine.load(flags.model);
  phase = kForward;
  const std::vector<float> expected = answers(engine, flags);
  phase = kLoad;
  const Prepacked made = engine.prepack(flags.model);
  phase = kForward;
  const auto sqnr = sqnr_db(expected, answers(engine, flags));
  writer.write(Line()
                 .add("prepacked_operators", made.operators)
                 .add("sqnr_db", sqnr)
                 .add_text("prepacked", base64(std::as_bytes(std::span(made.file)))));
}

void print_spin(const Engine& engine, std::int64_t spin_ms, ProtocolWriter& writer) {
  writer.write(header(engine));
  const Spin done = spin(spin_ms * 1'000'000);
  writer.write(Line()
                 .add("spin_rounds", done.rounds)
                 .add("spin_elapsed_ns", done.elapsed_ns));
}

void print_capabilities(const Engine& engine, ProtocolWriter& writer) {
  Line first = header(engine);
  engine.describe(first);
  writer.write(first);
  Line line;
  engine.describe_capabilities(line);
  writer.write(line);
}

}  // namespace

int run_program(Engine& engine, int argc, char** argv, int file_descriptor) {
  ProtocolWriter writer(file_descriptor);
  Phase phase = kFlags;
  try {
    const std::vector<std::string> arguments(argv + 1, argv + argc);
    const Flags flags = parse_flags(arguments);
    if (flags.help) {
      std::fputs(kHelp.data(), stdout);
      std::fflush(stdout);
      return static_cast<int>(Exit::kMeasured);
    }
    if (flags.capabilities) {
      print_capabilities(engine, writer);
    } else if (flags.spin_ms > 0) {
      print_spin(engine, flags.spin_ms, writer);
    } else if (flags.prepack) {
      print_prepacked(engine, flags, writer, phase);
    } else {
      launch(engine, flags, writer, phase);
    }
    writer.seal();
    return static_cast<int>(Exit::kMeasured);
  } catch (const std::exception& error) {
    writer.write(Line()
                   .add_text("error", phase.error)
                   .add_text("message", engine.message_of(error)));
    writer.seal();
    return static_cast<int>(phase.exit);
  }
}

}  // namespace pocketbench
