#include "executorch_engine.h"

#include <executorch/extension/threadpool/threadpool.h>
#include <executorch/runtime/backend/interface.h>
#include <executorch/runtime/kernel/operator_registry.h>

#include <algorithm>
#include <stdexcept>
#include <string>

#include "seeded.h"

namespace pocketbench {
namespace {

using executorch::aten::ScalarType;
using executorch::extension::TensorPtr;
using executorch::runtime::Error;
using executorch::runtime::Tag;

void check(Error error, const std::string& what) {
  if (error == Error::Ok) return;
  throw std::runtime_error(
      what + ": ExecuTorch error " + std::to_string(static_cast<int>(error)) + " (" +
      executorch::runtime::to_string(error) + ")");
}

// Values as the lite engine generates them: the same bytes from the same seed.
TensorPtr generate(
    std::span<const std::int32_t> sizes,
    ScalarType type,
    std::size_t size_bytes,
    std::uint64_t seed,
    std::uint32_t stream) {
  std::vector<std::uint8_t> data(size_bytes);
  if (type == ScalarType::Float) {
    fill_normal(
        std::span(reinterpret_cast<float*>(data.data()), size_bytes / sizeof(float)),
        seed, stream);
  } else if (type == ScalarType::Double) {
    fill_normal(
        std::span(reinterpret_cast<double*>(data.data()), size_bytes / sizeof(double)),
        seed, stream);
  } else {
    const std::span bytes(reinterpret_cast<std::byte*>(data.data()), size_bytes);
    if (type == ScalarType::Byte) {
      fill_bytes(bytes, seed, stream);
    } else {
      fill_zero_one(bytes, executorch::runtime::elementSize(type), seed, stream);
    }
  }
  return executorch::extension::make_tensor_ptr(
      std::vector<executorch::aten::SizesType>(sizes.begin(), sizes.end()),
      std::move(data), type);
}

}  // namespace

std::string ExecutorchEngine::runtime() const {
#ifdef POCKETBENCH_RUNTIME_VERSION
  return POCKETBENCH_RUNTIME_VERSION;
#else
  return "executorch";
#endif
}

int ExecutorchEngine::use_threads(int threads) {
  auto* pool = executorch::extension::threadpool::get_threadpool();
  if (pool == nullptr) return 1;
  // Safe here: nothing has run yet, so no delegate holds the old pool.
  pool->_unsafe_reset_threadpool(static_cast<std::uint32_t>(threads));
  return static_cast<int>(pool->get_thread_count());
}

void ExecutorchEngine::describe(Line& line) const {
  std::vector<std::string> backends;
  for (std::size_t i = 0; i < executorch::runtime::get_num_registered_backends(); ++i) {
    const auto name = executorch::runtime::get_backend_name(i);
    if (name.ok()) backends.emplace_back(*name);
  }
  line.add("backends", backends);
}

void ExecutorchEngine::describe_capabilities(Line& line) const {
  std::vector<std::string> operators;
  for (const auto& kernel : executorch::runtime::get_registered_kernels()) {
    operators.emplace_back(kernel.name_);
  }
  std::sort(operators.begin(), operators.end());
  operators.erase(
      std::unique(operators.begin(), operators.end()), operators.end());
  line.add("operators", operators);
}

void ExecutorchEngine::load(const std::string& model) {
  module_ = std::make_unique<executorch::extension::Module>(model);
  check(module_->load(), "load");
  check(module_->load_method("forward"), "load_method");
}

Inputs ExecutorchEngine::prepare_inputs(
    std::span<const TensorSpec> specs, std::uint64_t seed) {
  // A .pte fixes the shapes of its inputs itself; given ones must agree with it.
  const auto meta = module_->method_meta("forward");
  check(meta.error(), "method_meta");
  const std::size_t count = meta->num_inputs();
  if (!specs.empty() && specs.size() != count) {
    throw std::invalid_argument(
        "forward takes " + std::to_string(count) + " inputs, but " +
        std::to_string(specs.size()) + " were given");
  }
  for (std::size_t i = 0; i < count; ++i) {
    const auto tag = meta->input_tag(i);
    check(tag.error(), "input_tag");
    if (*tag != Tag::Tensor) {
      throw std::invalid_argument(
          "input " + std::to_string(i) + " of forward is no tensor");
    }
    const auto info = meta->input_tensor_meta(i);
    check(info.error(), "input_tensor_meta");
    const auto sizes = info->sizes();
    inputs_.push_back(generate(
        {sizes.data(), sizes.size()}, info->scalar_type(), info->nbytes(), seed,
        static_cast<std::uint32_t>(i)));
  }
  return {"generated", 1};
}

void ExecutorchEngine::stage(std::size_t) {
  outputs_.clear();
  arguments_.assign(inputs_.begin(), inputs_.end());
}

void ExecutorchEngine::forward() {
  auto result = module_->forward(arguments_);
  check(result.error(), "forward");
  outputs_ = std::move(result.get());
}

void ExecutorchEngine::hash_output(Sha256& hash) const {
  for (const auto& value : outputs_) {
    if (!value.isTensor()) continue;
    const auto& tensor = value.toTensor();
    hash.update(tensor.const_data_ptr(), tensor.nbytes());
  }
}

}  // namespace pocketbench
