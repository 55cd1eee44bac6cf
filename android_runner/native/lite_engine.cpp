// PyTorch's lite interpreter.
#include <ATen/Context.h>
#include <ATen/Functions.h>
#include <ATen/Parallel.h>
#include <ATen/core/ivalue.h>
#include <c10/core/InferenceMode.h>
#include <c10/util/Exception.h>
#include <torch/csrc/jit/mobile/import.h>
#include <torch/csrc/jit/mobile/module.h>
#if __has_include(<torch/csrc/jit/mobile/compatibility/runtime_compatibility.h>)
#include <torch/csrc/jit/mobile/compatibility/runtime_compatibility.h>
#define POCKETBENCH_KNOWS_OPERATORS  // The published Android library does not.
#endif

#include <algorithm>
#include <cctype>
#include <cstring>
#include <map>
#include <optional>
#include <sstream>
#include <stdexcept>
#include <vector>

#include "engine.h"
#include "lite_heap.h"
#include "lite_observer.h"
#include "lite_prepack.h"
#include "outputs.h"
#include "seeded.h"

namespace pocketbench {
namespace {

const std::map<std::string, at::ScalarType> kDtypes = {
    {"float32", at::kFloat},
    {"float64", at::kDouble},
    {"float16", at::kHalf},
    {"bfloat16", at::kBFloat16},
    {"uint8", at::kByte},
    {"int8", at::kChar},
    {"int16", at::kShort},
    {"int32", at::kInt},
    {"int64", at::kLong},
    {"bool", at::kBool},
};

std::string lower_case(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(), [](unsigned char c) {
    return static_cast<char>(std::tolower(c));
  });
  return text;
}

std::string engine_name(at::QEngine engine) {
  return lower_case(at::toString(engine));
}

at::ScalarType dtype_named(const std::string& name) {
  const auto dtype = kDtypes.find(name);
  if (dtype == kDtypes.end()) {
    throw std::invalid_argument("--input: no such dtype: " + name);
  }
  return dtype->second;
}

at::Tensor generate(
    const TensorSpec& spec, std::uint64_t seed, std::uint32_t stream) {
  const at::ScalarType type = dtype_named(spec.dtype);
  if (type == at::kHalf || type == at::kBFloat16) {
    return generate({"float32", spec.shape}, seed, stream).to(type);
  }
  at::Tensor tensor = at::empty(spec.shape, type);
  const auto count = static_cast<std::size_t>(tensor.numel());
  if (type == at::kFloat) {
    fill_normal(std::span(tensor.data_ptr<float>(), count), seed, stream);
  } else if (type == at::kDouble) {
    fill_normal(std::span(tensor.data_ptr<double>(), count), seed, stream);
  } else {
    const std::span bytes(static_cast<std::byte*>(tensor.data_ptr()), tensor.nbytes());
    if (type == at::kByte) {
      fill_bytes(bytes, seed, stream);
    } else {
      fill_zero_one(bytes, tensor.element_size(), seed, stream);
    }
  }
  return tensor;
}

// The interpreter does not count its arguments: one too many is a crash.
void check_count(const torch::jit::mobile::Method& forward, std::size_t count) {
  if (!forward.function().hasSchema()) return;
  const auto most = forward.function().getSchema().arguments().size() - 1;  // self
  if (count > most) {
    throw std::invalid_argument(
        "forward takes " + std::to_string(most) + " inputs, but " +
        std::to_string(count) + " were given");
  }
}

std::string_view name_of(at::ScalarType type) {
  for (const auto& [name, dtype] : kDtypes) {
    if (dtype == type) return name;
  }
  return "other";
}

template <typename Number>
void visit_number(Number number, const OutputVisitor& visit) {
  visit({{}, {}, std::as_bytes(std::span(&number, 1))});
}

void visit_tensor(at::Tensor tensor, const OutputVisitor& visit) {
  if (!tensor.defined()) return;
  if (tensor.is_quantized()) tensor = tensor.dequantize();
  tensor = tensor.cpu().contiguous();
  visit(
      {name_of(tensor.scalar_type()),
       {tensor.sizes().data(), tensor.sizes().size()},
       {static_cast<const std::byte*>(tensor.data_ptr()), tensor.nbytes()}});
}

void visit_value(const c10::IValue& value, const OutputVisitor& visit) {
  if (value.isTensor()) {
    visit_tensor(value.toTensor(), visit);
  } else if (value.isTuple()) {
    for (const auto& element : value.toTupleRef().elements()) {
      visit_value(element, visit);
    }
  } else if (value.isList()) {
    for (const c10::IValue& element : value.toListRef()) visit_value(element, visit);
  } else if (value.isGenericDict()) {
    for (const auto& entry : value.toGenericDict()) {
      visit_value(entry.key(), visit);
      visit_value(entry.value(), visit);
    }
  } else if (value.isString()) {
    const std::string& text = value.toStringRef();
    visit({{}, {}, std::as_bytes(std::span(text.data(), text.size()))});
  } else if (value.isInt()) {
    visit_number(value.toInt(), visit);
  } else if (value.isDouble()) {
    visit_number(value.toDouble(), visit);
  } else if (value.isBool()) {
    visit_number(static_cast<std::uint8_t>(value.toBool()), visit);
  }
}

class LiteEngine final : public Engine {
 public:
  LiteEngine();

  std::string name() const override { return "lite"; }
  std::string runtime() const override;
  int use_threads(int threads) override;
  bool make_heap_steady() override;
  void describe(Line& line) const override;
  void describe_capabilities(Line& line) const override;
  void load(const std::string& model) override;
  Prepacked prepack(const std::string& model) override;
  Inputs prepare_inputs(
      std::span<const TensorSpec> specs, std::uint64_t seed) override;
  Inputs read_inputs(
      std::span<const TensorSpec> specs, std::span<const std::byte> data) override;
  void stage(std::size_t input) override;
  void forward() override;
  void visit_output(const OutputVisitor& visit) const override;
  void observe(OperatorTimes& times) override;
  std::string message_of(const std::exception& error) const override;

 private:
  c10::InferenceMode inference_mode_;
  void take(torch::jit::mobile::Module module);

  torch::jit::mobile::Module module_;
  std::optional<torch::jit::mobile::Method> forward_;
  std::vector<std::vector<c10::IValue>> inputs_;
  std::vector<c10::IValue> arguments_;
  c10::IValue output_;
};

}  // namespace

LiteEngine::LiteEngine() {
  // Phones have QNNPACK alone, and weights are packed for the engine at load: the
  // host must take the same one, or it measures another int8 than the phone.
  const auto& supported = at::globalContext().supportedQEngines();
  if (std::find(supported.begin(), supported.end(), at::QEngine::QNNPACK) !=
      supported.end()) {
    at::globalContext().setQEngine(at::QEngine::QNNPACK);
  }
}

std::string LiteEngine::runtime() const {
#ifdef POCKETBENCH_RUNTIME_VERSION
  return POCKETBENCH_RUNTIME_VERSION;
#else
  return "torch";
#endif
}

int LiteEngine::use_threads(int threads) {
  at::set_num_threads(threads);
  return at::get_num_threads();
}

bool LiteEngine::make_heap_steady() {
  return pocketbench::make_heap_steady();
}

void LiteEngine::describe(Line& line) const {
  line.add_text("quantized_engine", engine_name(at::globalContext().qEngine()));
}

void LiteEngine::describe_capabilities(Line& line) const {
  std::vector<std::string> engines;
  for (const at::QEngine engine : at::globalContext().supportedQEngines()) {
    if (engine != at::QEngine::NoQEngine) engines.push_back(engine_name(engine));
  }
  line.add("quantized_engines", engines)
      .add_flag("xnnpack", at::Context::isXNNPACKAvailable());
#ifdef POCKETBENCH_KNOWS_OPERATORS
  const auto info = torch::jit::RuntimeCompatibilityInfo::get();
  std::vector<std::string> operators;
  for (const auto& [name, unused] : info.operator_info) operators.push_back(name);
  std::sort(operators.begin(), operators.end());
  const auto [bytecode_min, bytecode_max] = info.min_max_supported_bytecode_version;
  line.add("bytecode_min", static_cast<std::int64_t>(bytecode_min))
      .add("bytecode_max", static_cast<std::int64_t>(bytecode_max))
      .add("operators", operators);
#endif
}

void LiteEngine::load(const std::string& model) {
  take(torch::jit::_load_for_mobile(model));
}

void LiteEngine::take(torch::jit::mobile::Module module) {
  module_ = std::move(module);
  forward_ = module_.get_method("forward");
  inputs_.clear();
}

Prepacked LiteEngine::prepack(const std::string& model) {
  Prepacked made = prepack_lite(model);
  std::istringstream file(made.file);
  take(torch::jit::_load_for_mobile(file));
  return made;
}

Inputs LiteEngine::prepare_inputs(
    std::span<const TensorSpec> specs, std::uint64_t seed) {
  if (const auto bundled = module_.find_method("get_all_bundled_inputs")) {
    const c10::IValue sets = (*bundled)({});
    for (const c10::IValue& set : sets.toListRef()) {
      const auto& elements = set.toTupleRef().elements();
      inputs_.emplace_back(elements.begin(), elements.end());
    }
    if (!inputs_.empty()) return {"bundled", inputs_.size()};
  }
  if (specs.empty()) {
    throw std::invalid_argument(
        "the model has no bundled inputs and no --input was given");
  }
  check_count(*forward_, specs.size());
  std::vector<c10::IValue> generated;
  for (std::size_t i = 0; i < specs.size(); ++i) {
    generated.emplace_back(generate(specs[i], seed, static_cast<std::uint32_t>(i)));
  }
  inputs_.push_back(std::move(generated));
  return {"generated", inputs_.size()};
}

Inputs LiteEngine::read_inputs(
    std::span<const TensorSpec> specs, std::span<const std::byte> data) {
  check_count(*forward_, specs.size());
  std::vector<at::Tensor> blanks;
  std::size_t set_bytes = 0;
  for (const TensorSpec& spec : specs) {
    blanks.push_back(at::empty(spec.shape, dtype_named(spec.dtype)));
    set_bytes += blanks.back().nbytes();
  }
  const std::size_t count = count_input_sets(data.size(), set_bytes);
  const std::byte* next = data.data();
  for (std::size_t i = 0; i < count; ++i) {
    std::vector<c10::IValue> set;
    for (const at::Tensor& blank : blanks) {
      const at::Tensor tensor = at::empty_like(blank);
      std::memcpy(tensor.data_ptr(), next, tensor.nbytes());
      next += tensor.nbytes();
      set.emplace_back(tensor);
    }
    inputs_.push_back(std::move(set));
  }
  return {"given", count};
}

void LiteEngine::stage(std::size_t input) {
  output_ = c10::IValue();
  arguments_ = inputs_[input];
}

void LiteEngine::forward() {
  output_ = (*forward_)(std::move(arguments_));
}

void LiteEngine::visit_output(const OutputVisitor& visit) const {
  visit_value(output_, visit);
}

void LiteEngine::observe(OperatorTimes& times) {
  observe_lite_operators(times);
}

std::string LiteEngine::message_of(const std::exception& error) const {
  const auto* torch_error = dynamic_cast<const c10::Error*>(&error);
  return torch_error ? torch_error->what_without_backtrace() : error.what();
}

std::unique_ptr<Engine> make_engine() { return std::make_unique<LiteEngine>(); }

}  // namespace pocketbench
