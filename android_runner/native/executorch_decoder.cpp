#include "executorch_decoder.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <stdexcept>
#include <string>

#include "executorch_errors.h"

namespace pocketbench {
namespace {

using executorch::aten::ScalarType;
using executorch::aten::SizesType;
using executorch::aten::Tensor;
using executorch::extension::Module;
using executorch::extension::from_blob;
using executorch::runtime::Error;
using executorch::runtime::EValue;
using executorch::runtime::Method;
using executorch::runtime::MethodMeta;
using executorch::runtime::TensorInfo;

constexpr std::size_t kTokens = 0;
constexpr std::size_t kPosition = 1;

[[noreturn]] void refuse(const std::string& fact) {
  throw std::invalid_argument("this file is no decoder with a KV cache: " + fact);
}

TensorInfo int64_input(const MethodMeta& method, std::size_t index, const char* what) {
  const auto info = method.input_tensor_meta(index);
  if (!info.ok() || info->scalar_type() != ScalarType::Long) {
    refuse(std::string("its ") + what + " is no int64 tensor");
  }
  return *info;
}

// The whole numbers of a method without inputs; none where there is no such method.
std::vector<std::int64_t> numbers_of(Module& module, const std::string& name) {
  const auto names = module.method_names();
  if (!names.ok() || !names->contains(name)) return {};
  const auto values = module.execute(name);
  if (!values.ok()) return {};
  std::vector<std::int64_t> found;
  for (const EValue& value : *values) {
    if (value.isInt()) found.push_back(value.toInt());
  }
  return found;
}

std::optional<std::int64_t> number_of(Module& module, const std::string& name) {
  const auto found = numbers_of(module, name);
  return found.empty() ? std::nullopt : std::optional(found.front());
}

template <typename Number>
std::int64_t index_of_largest(const Tensor& logits, std::int64_t count) {
  const Number* end = logits.const_data_ptr<Number>() + logits.numel();
  const Number* begin = end - count;  // of the last token
  return std::max_element(begin, end) - begin;
}

template <typename Number>
double loss(const Tensor& logits, std::int64_t count, std::int64_t token) {
  const Number* begin = logits.const_data_ptr<Number>() + logits.numel() - count;
  const double largest = static_cast<double>(*std::max_element(begin, begin + count));
  double sum = 0;
  for (std::int64_t i = 0; i < count; ++i) {
    sum += std::exp(static_cast<double>(begin[i]) - largest);
  }
  return largest + std::log(sum) - static_cast<double>(begin[token]);
}

}  // namespace

ExecutorchDecoder::ExecutorchDecoder(Module& module, Method& method)
    : method_(method) {
  const MethodMeta meta = method.method_meta();
  if (meta.num_inputs() != 2) {
    refuse(
        "forward takes " + std::to_string(meta.num_inputs()) +
        " inputs, not tokens and their position");
  }
  const TensorInfo tokens = int64_input(meta, kTokens, "first input, the tokens,");
  const TensorInfo position =
      int64_input(meta, kPosition, "second input, the position,");
  if (tokens.sizes().size() != 2 || tokens.sizes()[0] != 1) {
    refuse("its tokens are not [1, N]");
  }
  if (position.sizes().size() != 1) refuse("its position has more than one dimension");
  const auto logits = meta.output_tensor_meta(0);
  const bool has_logits = logits.ok() && logits->sizes().size() >= 2 &&
                          (logits->scalar_type() == ScalarType::Float ||
                           logits->scalar_type() == ScalarType::Half ||
                           logits->scalar_type() == ScalarType::BFloat16);
  if (!has_logits) refuse("its first output is not the logits");
  const auto sizes = logits->sizes();
  vocabulary_size_ = sizes[sizes.size() - 1];
  most_step_tokens_ = tokens.sizes()[1];
  has_position_of_each_ = position.sizes()[0] > 1;
  context_tokens_ = number_of(module, "get_max_context_len");
  if (!context_tokens_) context_tokens_ = number_of(module, "get_max_seq_len");
  for (const char* name : {"get_eos_ids", "get_eos_id"}) {
    const auto ids = numbers_of(module, name);
    end_tokens_.insert(ids.begin(), ids.end());
  }
  positions_.resize(static_cast<std::size_t>(most_step_tokens_));
}

std::int64_t ExecutorchDecoder::step(
    std::span<const std::int64_t> tokens, std::int64_t position) {
  const auto count = static_cast<SizesType>(tokens.size());
  std::iota(positions_.begin(), positions_.begin() + count, position);
  // The runtime does not write to its inputs.
  const auto ids =
      from_blob(const_cast<std::int64_t*>(tokens.data()), {1, count}, ScalarType::Long);
  const auto places = from_blob(
      positions_.data(), {has_position_of_each_ ? count : 1}, ScalarType::Long);
  const EValue inputs[] = {EValue(ids), EValue(places)};
  const Error set = method_.set_inputs({inputs, 2});
  if (set != Error::Ok) check_executorch(set, "setting the inputs");
  const Error executed = method_.execute();
  if (executed != Error::Ok) check_executorch(executed, "executing forward");
  const Tensor& logits = method_.get_output(0).toTensor();
  switch (logits.scalar_type()) {
    case ScalarType::Half:
      return index_of_largest<executorch::aten::Half>(logits, vocabulary_size_);
    case ScalarType::BFloat16:
      return index_of_largest<executorch::aten::BFloat16>(logits, vocabulary_size_);
    default:
      return index_of_largest<float>(logits, vocabulary_size_);
  }
}

double ExecutorchDecoder::loss_of(std::int64_t token) const {
  const Tensor& logits = method_.get_output(0).toTensor();
  switch (logits.scalar_type()) {
    case ScalarType::Half:
      return loss<executorch::aten::Half>(logits, vocabulary_size_, token);
    case ScalarType::BFloat16:
      return loss<executorch::aten::BFloat16>(logits, vocabulary_size_, token);
    default:
      return loss<float>(logits, vocabulary_size_, token);
  }
}

}  // namespace pocketbench
