#include "seeded.h"

#include <algorithm>

namespace pocketbench {
namespace {

// SplitMix64 (Steele, Lea and Flood, 2014).
class Random {
 public:
  Random(std::uint64_t seed, std::uint32_t stream)
      : state_(seed + std::uint64_t{stream} * 0xD1B54A32D192ED03) {}

  std::uint64_t next() {
    state_ += 0x9E3779B97F4A7C15;
    std::uint64_t z = state_;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
    return z ^ (z >> 31);
  }

  // Twelve uniforms of 16 bits have variance 1 and mean 6 (Irwin-Hall).
  double normal() {
    std::int64_t sum = 0;
    for (int word = 0; word < 3; ++word) {
      for (std::uint64_t bits = next(), lane = 0; lane < 4; ++lane, bits >>= 16) {
        sum += static_cast<std::int64_t>(bits & 0xFFFF);
      }
    }
    return (static_cast<double>(sum) + 6.0) / 65536.0 - 6.0;
  }

 private:
  std::uint64_t state_;
};

}  // namespace

void fill_normal(std::span<float> values, std::uint64_t seed, std::uint32_t stream) {
  Random random(seed, stream);
  for (float& value : values) value = static_cast<float>(random.normal());
}

void fill_normal(std::span<double> values, std::uint64_t seed, std::uint32_t stream) {
  Random random(seed, stream);
  for (double& value : values) value = random.normal();
}

void fill_zero_one(
    std::span<std::byte> values,
    std::size_t item_size_bytes,
    std::uint64_t seed,
    std::uint32_t stream) {
  Random random(seed, stream);
  std::fill(values.begin(), values.end(), std::byte{0});
  for (std::size_t i = 0; i < values.size(); i += item_size_bytes) {
    values[i] = static_cast<std::byte>(random.next() >> 63);
  }
}

void fill_below(
    std::span<std::int64_t> values,
    std::int64_t end,
    std::uint64_t seed,
    std::uint32_t stream) {
  Random random(seed, stream);
  for (std::int64_t& value : values) {
    value = static_cast<std::int64_t>(random.next() % static_cast<std::uint64_t>(end));
  }
}

void fill_bytes(
    std::span<std::byte> values, std::uint64_t seed, std::uint32_t stream) {
  Random random(seed, stream);
  for (std::byte& value : values) value = static_cast<std::byte>(random.next() >> 56);
}

}  // namespace pocketbench
