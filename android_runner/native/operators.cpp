#include "operators.h"

#include <algorithm>

#include "clock.h"

namespace pocketbench {

OperatorTimes::Total& OperatorTimes::total_of_next(const Operator& which) {
  const std::size_t node = std::min(node_++, kMostNodes);
  return totals_[{node, which}];
}

void OperatorTimes::begin(const Operator& which) {
  running_.push_back({&total_of_next(which), 0, 0});
  running_.back().start_ns = now_ns();
}

void OperatorTimes::end() {
  const std::int64_t now = now_ns();
  const Running done = running_.back();
  running_.pop_back();
  const std::int64_t duration_ns = now - done.start_ns;
  ++done.total->calls;
  done.total->self_ns += duration_ns - done.within_ns;
  if (!running_.empty()) running_.back().within_ns += duration_ns;
}

void OperatorTimes::add(const Operator& which, std::int64_t duration_ns) {
  Total& one = total_of_next(which);
  ++one.calls;
  one.self_ns += duration_ns;
  if (!running_.empty()) running_.back().within_ns += duration_ns;
}

void OperatorTimes::clear() {
  totals_.clear();
  running_.clear();
}

void OperatorTimes::write(Line& line) const {
  std::vector<std::string> names, backends, dtypes;
  std::vector<std::int64_t> nodes, calls, self_ns;
  for (const auto& [key, total] : totals_) {
    const auto& [node, which] = key;
    nodes.push_back(node < kMostNodes ? static_cast<std::int64_t>(node) : -1);
    names.push_back(which.name);
    backends.push_back(which.backend);
    dtypes.push_back(which.dtype);
    calls.push_back(total.calls);
    self_ns.push_back(total.self_ns);
  }
  line.add("operator_names", names)
      .add("operator_backends", backends)
      .add("operator_dtypes", dtypes)
      .add("operator_nodes", nodes)
      .add("operator_calls", calls)
      .add("operator_self_ns", self_ns);
}

}  // namespace pocketbench
