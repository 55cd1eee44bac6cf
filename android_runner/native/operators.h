// What single operators take while a runtime is observed.
#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "runner_protocol.h"

namespace pocketbench {

struct Operator {
  std::string name;     // as the runtime calls it: `quantized::conv2d_relu`
  std::string backend;  // the delegate that ran it; empty: the runtime itself
  std::string dtype;    // of its first tensor: `quint8`; empty where unknown

  auto operator<=>(const Operator&) const = default;
};

// Adds up calls and times, each operator's own alone: what another one took that it
// called is that one's. The clock is read last at a begin and first at an end, so
// that the keeping itself falls between operators. For one thread.
//
// A node is an operator's place in the order of its inference, counted from 0. A model
// that loops has too many of them: from `kMostNodes` on they are one.
class OperatorTimes {
 public:
  static constexpr std::size_t kMostNodes = 2000;

  void begin_inference() { node_ = 0; }
  void begin(const Operator& which);
  void end();  // of the last one begun

  // An operator that ran within the last one begun and is reported when it is over.
  void add(const Operator& which, std::int64_t duration_ns);

  void clear();
  bool empty() const { return totals_.empty(); }

  // Lists of equal length, one entry per operator, see runner_protocol.h.
  void write(Line& line) const;

 private:
  struct Total {
    std::int64_t calls = 0;
    std::int64_t self_ns = 0;
  };
  struct Running {
    Total* total;
    std::int64_t start_ns;
    std::int64_t within_ns;  // of operators that it called
  };


  Total& total_of_next(const Operator& which);

  std::map<std::pair<std::size_t, Operator>, Total> totals_;
  std::vector<Running> running_;
  std::size_t node_ = 0;
};

}  // namespace pocketbench
