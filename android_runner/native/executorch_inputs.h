// Inputs for a .pte file, made from a seed.
#pragma once

#include <executorch/extension/tensor/tensor.h>
#include <executorch/runtime/executor/method_meta.h>

#include <cstdint>
#include <span>
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

}  // namespace pocketbench
