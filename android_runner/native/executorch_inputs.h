// Inputs for a .pte file, made from a seed.
#pragma once

#include <executorch/extension/tensor/tensor.h>
#include <executorch/runtime/executor/method_meta.h>

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "flags.h"

namespace pocketbench {

// One tensor for each input of a method. `specs` may be empty: the method knows the
// shape and dtype of its inputs. Throws std::invalid_argument where it does not take
// these.
std::vector<executorch::extension::TensorPtr> generate_executorch_inputs(
    const executorch::runtime::MethodMeta& method,
    std::span<const TensorSpec> specs,
    std::uint64_t seed);

// The same from bytes: set after set, each its tensors in order, contiguous and
// little-endian. Throws where they are not a whole number of sets.
std::vector<std::vector<executorch::extension::TensorPtr>> read_executorch_inputs(
    const executorch::runtime::MethodMeta& method,
    std::span<const TensorSpec> specs,
    std::span<const std::byte> data);

// torch's name of a dtype, or `other`.
std::string_view name_of(executorch::aten::ScalarType type);

}  // namespace pocketbench
