// The main samples of a launch, in memory that is set aside before the first.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

namespace pocketbench {

// Of a launch whose length is a time: ten minutes at 0.6 ms. It touches 16 MB at most.
inline constexpr std::size_t kMostKept = 1'000'000;

// All samples, or, where there are more than there is room for, every second one of
// them, then every fourth ..., so that they always cover the launch evenly.
class DecimatingBuffer {
 public:
  // There is room for all of `iterations`, and for `most` at least.
  DecimatingBuffer(std::size_t most, std::size_t iterations)
      : room_(std::max({most, iterations, std::size_t{2}})) {
    gaps_ns_.reserve(room_);
    latencies_ns_.reserve(room_);
  }

  // One inference that began so long after the first of all was due.
  void add(std::int64_t start_ns, std::int64_t latency_ns) {
    if (seen_ % every_ == 0 && latencies_ns_.size() == room_) halve();
    if (seen_++ % every_ != 0) return;
    gaps_ns_.push_back(start_ns - end_ns_);
    latencies_ns_.push_back(latency_ns);
    end_ns_ = start_ns + latency_ns;
  }

  std::int64_t every() const { return every_; }

  // From the end of the sample before (of the first: from the beginning) to its start:
  // small numbers, which add up to the starts again.
  std::vector<std::int64_t> gaps_ns() && { return std::move(gaps_ns_); }
  std::vector<std::int64_t> latencies_ns() && { return std::move(latencies_ns_); }

 private:
  // Drops every second one, from the second; its time goes into the gap after it.
  void halve() {
    std::size_t kept = 0;
    for (std::size_t i = 0; i < latencies_ns_.size(); i += 2) {
      const std::int64_t dropped_ns =
          i == 0 ? 0 : gaps_ns_[i - 1] + latencies_ns_[i - 1];
      gaps_ns_[kept] = gaps_ns_[i] + dropped_ns;
      latencies_ns_[kept++] = latencies_ns_[i];
    }
    if (latencies_ns_.size() % 2 == 0) end_ns_ -= gaps_ns_.back() + latencies_ns_.back();
    gaps_ns_.resize(kept);
    latencies_ns_.resize(kept);
    every_ *= 2;
  }

  std::size_t room_;
  std::int64_t every_ = 1;
  std::int64_t seen_ = 0;
  std::int64_t end_ns_ = 0;  // of the last one kept
  std::vector<std::int64_t> gaps_ns_;
  std::vector<std::int64_t> latencies_ns_;
};

}  // namespace pocketbench
