// ExecuTorch: a .pte program, its kernels and its delegates.
#pragma once

#include <executorch/extension/module/module.h>
#include <executorch/extension/tensor/tensor.h>

#include <memory>
#include <vector>

#include "engine.h"
#include "executorch_decoder.h"

namespace pocketbench {

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

}  // namespace pocketbench
