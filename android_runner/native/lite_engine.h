// PyTorch's lite interpreter.
#pragma once

#include <ATen/core/ivalue.h>
#include <c10/core/InferenceMode.h>
#include <torch/csrc/jit/mobile/module.h>

#include <optional>
#include <vector>

#include "engine.h"

namespace pocketbench {

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

}  // namespace pocketbench
