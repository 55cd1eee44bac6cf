// A stand-in for PyTorch's speed_benchmark_torch, for the tests: a plain loop around
// the forward call of a lite-interpreter model. It speaks that program's language
// (flags, banners, one line per iteration, a last line) and times by its rule, so that
// the adapter can be tried on a real program; it is not that program.
//
// Timing rule: each forward call lies between two readings of a steady clock, kept as
// whole microseconds; everything is printed after the last iteration; the last line
// divides the wall time of the whole loop by its iterations.

#include <chrono>
#include <cstdint>
#include <iostream>
#include <sstream>
#include <string>
#include <vector>

#include <ATen/ATen.h>
#include <c10/core/InferenceMode.h>
#include <c10/mobile/CPUCachingAllocator.h>
#include <c10/util/Flags.h>
#include <torch/csrc/jit/mobile/import.h>
#include <torch/csrc/jit/mobile/module.h>

C10_DEFINE_string(model, "", "Model file, saved for the lite interpreter.");
C10_DEFINE_string(input_dims, "", "Shapes: commas within one, semicolons between.");
C10_DEFINE_string(input_type, "", "float, uint8_t or int64, one for each shape.");
C10_DEFINE_string(
    input_memory_format,
    "contiguous_format",
    "contiguous_format or channels_last, one for each shape.");
C10_DEFINE_bool(no_inputs, false, "The model takes none.");
C10_DEFINE_bool(use_caching_allocator, false, "Keep memory between iterations.");
C10_DEFINE_int(use_bundled_input, -1, "Index of a bundled input; -1: make inputs.");
C10_DEFINE_int(warmup, 0, "Iterations that are not timed.");
C10_DEFINE_int(iter, 10, "Iterations that are timed.");
C10_DEFINE_bool(report_pep, false, "Print a line for each timed iteration.");
C10_DEFINE_bool(vulkan, false, "Not in this stand-in.");

namespace {

using Clock = std::chrono::steady_clock;
using Inputs = std::vector<c10::IValue>;

// Like ParseCommandLineFlags, a mistake of the caller ends the program with 1.
[[noreturn]] void refuse(const std::string& words) {
  std::cerr << words << std::endl;
  std::exit(1);
}

std::vector<std::string> parts(const std::string& text, char between) {
  std::vector<std::string> found;
  std::istringstream stream(text);
  for (std::string part; std::getline(stream, part, between);) {
    if (!part.empty()) found.push_back(part);
  }
  return found;
}

at::ScalarType type_named(const std::string& name) {
  if (name == "float") return at::kFloat;
  if (name == "uint8_t") return at::kByte;
  if (name == "int64") return at::kLong;
  TORCH_CHECK(false, "Unsupported input type: ", name);
}

at::MemoryFormat format_named(const std::string& name, size_t dimensions) {
  if (name == "contiguous_format") return at::MemoryFormat::Contiguous;
  TORCH_CHECK(name == "channels_last", "Unsupported input memory format: ", name);
  TORCH_CHECK(
      dimensions == 4, "channels_last memory format only available on 4D tensors!");
  return at::MemoryFormat::ChannelsLast;
}

Inputs make_inputs() {
  const auto shapes = parts(FLAGS_input_dims, ';');
  const auto types = parts(FLAGS_input_type, ';');
  const auto formats = parts(FLAGS_input_memory_format, ';');
  TORCH_CHECK(
      shapes.size() == types.size(),
      "Input dims and type should have the same number of items.");
  TORCH_CHECK(
      shapes.size() == formats.size(),
      "Input dims and format should have the same number of items.");
  Inputs inputs;
  for (size_t i = 0; i < shapes.size(); ++i) {
    std::vector<int64_t> shape;
    for (const auto& size : parts(shapes[i], ',')) shape.push_back(std::stoll(size));
    const auto format = format_named(formats[i], shape.size());
    inputs.emplace_back(
        at::ones(shape, at::TensorOptions(type_named(types[i])).memory_format(format)));
  }
  return inputs;
}

Inputs bundled_input(torch::jit::mobile::Module& module) {
  const auto method = module.find_method("get_all_bundled_inputs");
  if (!method) {
    refuse(
        "Model does not have bundled inputs.  Before saving,\n"
        "use torch.utils.bundled_inputs.augment_model_with_bundled_inputs.");
  }
  Inputs nothing;
  const auto all = (*method)(nothing).toList();
  if (static_cast<size_t>(FLAGS_use_bundled_input) >= all.size()) {
    std::ostringstream words;
    words << "Model has only " << all.size() << " bundled inputs.";
    refuse(words.str());
  }
  const c10::IValue chosen = all.get(FLAGS_use_bundled_input);
  const auto& elements = chosen.toTupleRef().elements();
  return Inputs(elements.begin(), elements.end());
}

// As mobile programs do, where torch has it.
void prefer_qnnpack() {
  for (const auto engine : at::globalContext().supportedQEngines()) {
    if (engine == at::QEngine::QNNPACK) at::globalContext().setQEngine(engine);
  }
}

std::vector<float> timed_microseconds(
    torch::jit::mobile::Module& module, const Inputs& inputs) {
  std::vector<float> times;
  times.reserve(FLAGS_iter);
  for (int i = 0; i < FLAGS_iter; ++i) {
    const auto start = Clock::now();
    module.forward(inputs);
    const auto stop = Clock::now();
    times.push_back(
        std::chrono::duration_cast<std::chrono::microseconds>(stop - start).count());
  }
  return times;
}

} // namespace

int main(int argc, char** argv) {
  if (!c10::ParseCommandLineFlags(&argc, &argv)) {
    refuse("Failed to parse command line flags!");
  }
  Inputs inputs;
  if (!FLAGS_no_inputs && FLAGS_use_bundled_input < 0) inputs = make_inputs();
  TORCH_CHECK(!FLAGS_vulkan, "the plain loop has no Vulkan");

  prefer_qnnpack();
  const c10::InferenceMode mode;
  auto module = torch::jit::_load_for_mobile(FLAGS_model);
  if (!FLAGS_no_inputs && FLAGS_use_bundled_input >= 0) inputs = bundled_input(module);
  module.eval();

  c10::CPUCachingAllocator allocator;
  std::optional<c10::WithCPUCachingAllocatorGuard> guard;
  if (FLAGS_use_caching_allocator) guard.emplace(&allocator);

  std::cout << "Starting benchmark." << std::endl;
  std::cout << "Running warmup runs." << std::endl;
  for (int i = 0; i < FLAGS_warmup; ++i) module.forward(inputs);

  std::cout << "Main runs." << std::endl;
  const auto start = Clock::now();
  const auto times = timed_microseconds(module, inputs);
  const float total_us =
      std::chrono::duration<float, std::micro>(Clock::now() - start).count();

  if (FLAGS_report_pep) {
    for (const float time : times) {
      std::cout << R"(PyTorchObserver {"type": "NET", "unit": "us", )"
                << R"("metric": "latency", "value": ")" << time << R"("})" << std::endl;
    }
  }
  std::cout << "Main run finished. Microseconds per iter: " << total_us / FLAGS_iter
            << ". Iters per second: " << 1e6 * FLAGS_iter / total_us << std::endl;
  return 0;
}
