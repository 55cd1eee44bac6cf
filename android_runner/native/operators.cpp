#include "operators.h"

#include "clock.h"

namespace pocketbench {

void OperatorTimes::begin(const Operator& which) {
  running_.push_back({&totals_[which], 0, 0});
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
  Total& total = totals_[which];
  ++total.calls;
  total.self_ns += duration_ns;
  if (!running_.empty()) running_.back().within_ns += duration_ns;
}

void OperatorTimes::clear() {
  totals_.clear();
  running_.clear();
}

void OperatorTimes::write(Line& line) const {
  std::vector<std::string> names, backends, dtypes;
  std::vector<std::int64_t> calls, self_ns;
  for (const auto& [which, total] : totals_) {
    names.push_back(which.name);
    backends.push_back(which.backend);
    dtypes.push_back(which.dtype);
    calls.push_back(total.calls);
    self_ns.push_back(total.self_ns);
  }
  line.add("operator_names", names)
      .add("operator_backends", backends)
      .add("operator_dtypes", dtypes)
      .add("operator_calls", calls)
      .add("operator_self_ns", self_ns);
}

}  // namespace pocketbench
