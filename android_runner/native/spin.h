// A fixed piece of work done over and over: how fast the processor is now.
#pragma once

#include <cstdint>

namespace pocketbench {

struct Spin {
  std::int64_t rounds;
  std::int64_t elapsed_ns;  // of all rounds together
};

// Spins for at least so long, after a tenth of a second that lets the clock rise.
Spin spin(std::int64_t at_least_ns);

}  // namespace pocketbench
