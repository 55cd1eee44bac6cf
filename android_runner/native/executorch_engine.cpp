// ExecuTorch: a .pte program, its kernels and its delegates.
#include <executorch/extension/module/module.h>
#include <executorch/extension/tensor/tensor.h>
#include <executorch/runtime/backend/interface.h>
#include <executorch/runtime/kernel/operator_registry.h>

#include <algorithm>
#include <memory>
#include <set>
#include <stdexcept>
#include <vector>

#include "engine.h"
#include "executorch_custom_ops.h"
#include "executorch_decoder.h"
#include "executorch_errors.h"
#include "executorch_inputs.h"
#include "executorch_observer.h"
#include "executorch_threads.h"

namespace pocketbench {
namespace {

using executorch::extension::Module;
using executorch::runtime::Error;
using executorch::runtime::EValue;

class ExecutorchEngine final : public Engine {
 public:
  ExecutorchEngine();

  std::string name() const override { return "executorch"; }
  std::string runtime() const override;
  int use_threads(int threads) override;
  void describe(Line& line) const override;
  void describe_capabilities(Line& line) const override;
  void prepare(const std::string& model) override;
  void load(const std::string& model) override;
  Inputs prepare_inputs(
      std::span<const TensorSpec> specs, std::uint64_t seed) override;
  Inputs read_inputs(
      std::span<const TensorSpec> specs, std::span<const std::byte> data) override;
  void stage(std::size_t input) override;
  void forward() override;
  void visit_output(const OutputVisitor& visit) const override;
  void observe(OperatorTimes& times) override;
  Decoder& decoder() override;

 private:
  void load_with(std::unique_ptr<executorch::runtime::EventTracer> tracer);

  std::string path_;
  std::string missing_operators_;  // why those that the model calls are not there
  std::unique_ptr<executorch::extension::Module> module_;
  executorch::runtime::Method* method_ = nullptr;  // the module's
  std::vector<executorch::extension::TensorPtr> tensors_;  // own what inputs_ show
  std::vector<std::vector<executorch::runtime::EValue>> inputs_;
  std::unique_ptr<ExecutorchDecoder> decoder_;
};

}  // namespace

ExecutorchEngine::ExecutorchEngine() { keep_executorch_messages(); }

std::string ExecutorchEngine::runtime() const {
#ifdef POCKETBENCH_RUNTIME_VERSION
  return POCKETBENCH_RUNTIME_VERSION;
#else
  return "executorch";
#endif
}

int ExecutorchEngine::use_threads(int threads) {
  return resize_executorch_pool(threads);
}

void ExecutorchEngine::describe(Line& line) const {
  std::vector<std::string> names;
  const std::size_t count = executorch::runtime::get_num_registered_backends();
  for (std::size_t i = 0; i < count; ++i) {
    const auto name = executorch::runtime::get_backend_name(i);
    if (name.ok()) names.emplace_back(*name);
  }
  std::sort(names.begin(), names.end());
  line.add("backends", names);
}

void ExecutorchEngine::describe_capabilities(Line& line) const {
  load_custom_ops();
  std::vector<std::string> operators;
  for (const auto& kernel : executorch::runtime::get_registered_kernels()) {
    operators.emplace_back(kernel.name_);
  }
  std::sort(operators.begin(), operators.end());
  operators.erase(std::unique(operators.begin(), operators.end()), operators.end());
  line.add("operators", operators);
}

void ExecutorchEngine::prepare(const std::string& model) {
  if (calls_custom_ops(model)) missing_operators_ = load_custom_ops();
}

void ExecutorchEngine::load(const std::string& model) {
  path_ = model;
  try {
    load_with(nullptr);
  } catch (const std::runtime_error& error) {
    if (missing_operators_.empty()) throw;
    throw std::runtime_error(
        std::string(error.what()) + ": it calls operators of ExecuTorch's llama " +
        "extension, and " + missing_operators_);
  }
}

void ExecutorchEngine::load_with(
    std::unique_ptr<executorch::runtime::EventTracer> tracer) {
  // The module's own default: the file is read into memory, not mapped.
  module_ =
      std::make_unique<Module>(path_, Module::LoadMode::File, std::move(tracer));
  check_executorch(module_->load_forward(), "loading");
  const auto method = module_->method("forward");
  check_executorch(method.error(), "loading");
  method_ = *method;
}

Inputs ExecutorchEngine::prepare_inputs(
    std::span<const TensorSpec> specs, std::uint64_t seed) {
  tensors_ = generate_executorch_inputs(method_->method_meta(), specs, seed);
  inputs_.emplace_back(tensors_.begin(), tensors_.end());
  stage(0);  // so that a shape it does not take is reported here
  return {"generated", 1};
}

Inputs ExecutorchEngine::read_inputs(
    std::span<const TensorSpec> specs, std::span<const std::byte> data) {
  for (auto& set : read_executorch_inputs(method_->method_meta(), specs, data)) {
    inputs_.emplace_back(set.begin(), set.end());
    tensors_.insert(tensors_.end(), set.begin(), set.end());
  }
  stage(0);
  return {"given", inputs_.size()};
}

void ExecutorchEngine::stage(std::size_t input) {
  // Before every inference: their memory may have been planned for later values too.
  const std::vector<EValue>& values = inputs_[input];
  check_executorch(
      method_->set_inputs({values.data(), values.size()}), "setting the inputs");
}

void ExecutorchEngine::forward() {
  const Error error = method_->execute();
  if (error != Error::Ok) check_executorch(error, "executing forward");
}

void ExecutorchEngine::visit_output(const OutputVisitor& visit) const {
  const auto visit_number = [&](auto number) {
    visit({{}, {}, std::as_bytes(std::span(&number, 1))});
  };
  for (std::size_t i = 0; i < method_->outputs_size(); ++i) {
    const EValue& value = method_->get_output(i);
    if (value.isTensor()) {
      const auto& tensor = value.toTensor();
      const auto sizes = tensor.sizes();
      const std::vector<std::int64_t> shape(sizes.begin(), sizes.end());
      visit(
          {name_of(tensor.scalar_type()),
           shape,
           {static_cast<const std::byte*>(tensor.const_data_ptr()), tensor.nbytes()}});
    } else if (value.isInt()) {
      visit_number(value.toInt());
    } else if (value.isDouble()) {
      visit_number(value.toDouble());
    } else if (value.isBool()) {
      visit_number(static_cast<std::uint8_t>(value.toBool()));
    }
  }
}

Decoder& ExecutorchEngine::decoder() {
  decoder_ = std::make_unique<ExecutorchDecoder>(*module_, *method_);
  return *decoder_;
}

// Who observes must be there when a program is loaded: it is loaded once more.
void ExecutorchEngine::observe(OperatorTimes& times) {
  const auto meta = method_->method_meta();
  // One per part of the graph, so that most come more than once.
  std::set<std::string> names;
  for (std::size_t i = 0; i < meta.num_backends(); ++i) {
    const auto name = meta.get_backend_name(i);
    if (name.ok()) names.emplace(*name);
  }
  std::string delegates;
  for (const std::string& name : names) {
    delegates += (delegates.empty() ? "" : " or ") + name;
  }
  load_with(std::make_unique<ExecutorchObserver>(times, delegates));
}

std::unique_ptr<Engine> make_engine() { return std::make_unique<ExecutorchEngine>(); }

}  // namespace pocketbench
