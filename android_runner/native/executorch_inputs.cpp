#include "executorch_inputs.h"

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <map>
#include <stdexcept>
#include <string>
#include <utility>

#include "outputs.h"
#include "seeded.h"

namespace pocketbench {
namespace {

using executorch::aten::ScalarType;
using executorch::extension::TensorPtr;
using executorch::runtime::MethodMeta;
using executorch::runtime::Tag;

struct Dtype {
  ScalarType type;
  std::size_t size_bytes;
};

const std::map<std::string, Dtype> kDtypes = {
    {"float32", {ScalarType::Float, 4}},
    {"float64", {ScalarType::Double, 8}},
    {"float16", {ScalarType::Half, 2}},
    {"bfloat16", {ScalarType::BFloat16, 2}},
    {"uint8", {ScalarType::Byte, 1}},
    {"int8", {ScalarType::Char, 1}},
    {"int16", {ScalarType::Short, 2}},
    {"int32", {ScalarType::Int, 4}},
    {"int64", {ScalarType::Long, 8}},
    {"bool", {ScalarType::Bool, 1}},
};

template <typename Number>
void fill_rounded(
    std::span<std::byte> bytes, std::uint64_t seed, std::uint32_t stream) {
  std::vector<float> exact(bytes.size() / sizeof(Number));
  fill_normal(std::span(exact), seed, stream);
  std::vector<Number> rounded(exact.begin(), exact.end());
  std::memcpy(bytes.data(), rounded.data(), bytes.size());
}

void fill(
    std::span<std::byte> bytes,
    const Dtype& dtype,
    std::uint64_t seed,
    std::uint32_t stream) {
  switch (dtype.type) {
    case ScalarType::Float:
      return fill_rounded<float>(bytes, seed, stream);
    case ScalarType::Double: {
      std::vector<double> values(bytes.size() / sizeof(double));
      fill_normal(std::span(values), seed, stream);
      std::memcpy(bytes.data(), values.data(), bytes.size());
      return;
    }
    case ScalarType::Half:
      return fill_rounded<executorch::aten::Half>(bytes, seed, stream);
    case ScalarType::BFloat16:
      return fill_rounded<executorch::aten::BFloat16>(bytes, seed, stream);
    case ScalarType::Byte:
      return fill_bytes(bytes, seed, stream);
    default:
      return fill_zero_one(bytes, dtype.size_bytes, seed, stream);
  }
}

const Dtype& dtype_named(const std::string& name) {
  const auto dtype = kDtypes.find(name);
  if (dtype == kDtypes.end()) {
    throw std::invalid_argument("--input: no such dtype: " + name);
  }
  return dtype->second;
}

std::size_t size_bytes(const TensorSpec& spec) {
  std::size_t size = dtype_named(spec.dtype).size_bytes;
  for (const std::int64_t dim : spec.shape) size *= static_cast<std::size_t>(dim);
  return size;
}

// The dimensions from the outermost in memory to the innermost: {0, 2, 3, 1} for an
// image with its channels last.
using Order = std::vector<executorch::aten::DimOrderType>;

// Values in the order of the dimensions, laid out in another.
std::vector<std::uint8_t> laid_out(
    const std::vector<std::uint8_t>& data, const TensorSpec& spec, const Order& order) {
  const std::size_t item = dtype_named(spec.dtype).size_bytes;
  const std::size_t rank = order.size();
  std::vector<std::size_t> steps(rank, item);  // bytes from one index to the next
  for (std::size_t i = rank - 1; i-- > 0;) {
    steps[i] = steps[i + 1] * static_cast<std::size_t>(spec.shape[i + 1]);
  }
  std::vector<std::uint8_t> moved(data.size());
  std::vector<std::int64_t> index(rank, 0);  // in memory's order
  for (std::size_t to = 0; to < moved.size(); to += item) {
    std::size_t from = 0;
    for (std::size_t i = 0; i < rank; ++i) {
      from += steps[order[i]] * static_cast<std::size_t>(index[i]);
    }
    std::memcpy(moved.data() + to, data.data() + from, item);
    for (std::size_t i = rank; i-- > 0;) {
      if (++index[i] < spec.shape[order[i]]) break;
      index[i] = 0;
    }
  }
  return moved;
}

TensorPtr make_tensor(
    const TensorSpec& spec, const Order& order, std::vector<std::uint8_t> data) {
  const bool as_given =
      order.size() != spec.shape.size() || std::is_sorted(order.begin(), order.end());
  if (as_given) {  // a wrong rank is reported by the method itself
    return executorch::extension::make_tensor_ptr(
        {spec.shape.begin(), spec.shape.end()},
        std::move(data),
        dtype_named(spec.dtype).type);
  }
  return executorch::extension::make_tensor_ptr(
      {spec.shape.begin(), spec.shape.end()},
      laid_out(data, spec, order),
      order,
      {},
      dtype_named(spec.dtype).type);
}

TensorPtr generate(
    const TensorSpec& spec,
    const Order& order,
    std::uint64_t seed,
    std::uint32_t stream) {
  std::vector<std::uint8_t> data(size_bytes(spec));
  fill(
      std::as_writable_bytes(std::span(data)), dtype_named(spec.dtype), seed, stream);
  return make_tensor(spec, order, std::move(data));
}

Order order_of(const MethodMeta& method, std::size_t index) {
  const auto meta = method.input_tensor_meta(index);
  if (!meta.ok()) return {};
  const auto order = meta->dim_order();
  return {order.begin(), order.end()};
}

TensorSpec own_spec(const MethodMeta& method, std::size_t index) {
  const auto meta = method.input_tensor_meta(index);
  if (!meta.ok()) {
    throw std::invalid_argument(
        "input " + std::to_string(index) + " of forward is not a tensor");
  }
  const auto sizes = meta->sizes();
  return {std::string(name_of(meta->scalar_type())), {sizes.begin(), sizes.end()}};
}

// The tensors of a call: as given, or as the method itself says.
std::vector<TensorSpec> checked_specs(
    const MethodMeta& method, std::span<const TensorSpec> specs) {
  if (!specs.empty() && specs.size() != method.num_inputs()) {
    throw std::invalid_argument(
        "forward takes " + std::to_string(method.num_inputs()) + " inputs, but " +
        std::to_string(specs.size()) + " were given");
  }
  std::vector<TensorSpec> checked;
  for (std::size_t i = 0; i < method.num_inputs(); ++i) {
    const TensorSpec own = own_spec(method, i);
    checked.push_back(specs.empty() ? own : specs[i]);
    if (checked.back().dtype != own.dtype) {
      throw std::invalid_argument(
          "input " + std::to_string(i) + " of forward is " + own.dtype + ", but " +
          checked.back().dtype + " was given");
    }
  }
  return checked;
}

}  // namespace

std::string_view name_of(ScalarType type) {
  for (const auto& [name, dtype] : kDtypes) {
    if (dtype.type == type) return name;
  }
  return "other";
}

std::vector<TensorPtr> generate_executorch_inputs(
    const MethodMeta& method, std::span<const TensorSpec> specs, std::uint64_t seed) {
  std::vector<TensorPtr> tensors;
  for (const TensorSpec& spec : checked_specs(method, specs)) {
    const std::size_t index = tensors.size();
    tensors.push_back(generate(
        spec, order_of(method, index), seed, static_cast<std::uint32_t>(index)));
  }
  return tensors;
}

std::vector<std::vector<TensorPtr>> read_executorch_inputs(
    const MethodMeta& method,
    std::span<const TensorSpec> specs,
    std::span<const std::byte> data) {
  const std::vector<TensorSpec> checked = checked_specs(method, specs);
  std::size_t set_bytes = 0;
  for (const TensorSpec& spec : checked) set_bytes += size_bytes(spec);
  std::vector<std::vector<TensorPtr>> sets(count_input_sets(data.size(), set_bytes));
  for (auto& set : sets) {
    for (const TensorSpec& spec : checked) {
      std::vector<std::uint8_t> bytes(size_bytes(spec));
      std::memcpy(bytes.data(), data.data(), bytes.size());
      data = data.subspan(bytes.size());
      set.push_back(make_tensor(spec, order_of(method, set.size()), std::move(bytes)));
    }
  }
  return sets;
}

}  // namespace pocketbench
