// Generated input values: the same bytes from the same seed on every device.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace pocketbench {

// About standard normal (a sum of twelve uniforms), without libm, whose last digits
// differ from system to system. `stream` differs between the inputs of one model.
void fill_normal(std::span<float> values, std::uint64_t seed, std::uint32_t stream);
void fill_normal(std::span<double> values, std::uint64_t seed, std::uint32_t stream);

// 0 or 1 in every `item_size_bytes` little-endian integer: in range for masks and
// for any table that ids look up.
void fill_zero_one(
    std::span<std::byte> values,
    std::size_t item_size_bytes,
    std::uint64_t seed,
    std::uint32_t stream);

// Whole numbers from 0 to `end` - 1: token ids.
void fill_below(
    std::span<std::int64_t> values,
    std::int64_t end,
    std::uint64_t seed,
    std::uint32_t stream);

// 0 to 255: pixels.
void fill_bytes(
    std::span<std::byte> values, std::uint64_t seed, std::uint32_t stream);

}  // namespace pocketbench
