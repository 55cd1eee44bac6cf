// Prints what is kept of so many made-up samples: room and samples are the arguments.
#include <cstdint>
#include <cstdlib>
#include <iostream>

#include "decimating_buffer.h"

int main(int, char** argv) {
  pocketbench::DecimatingBuffer kept(static_cast<std::size_t>(std::atoll(argv[1])), 1);
  std::int64_t at_ns = 3;
  for (std::int64_t i = 0; i < std::atoll(argv[2]); ++i) {
    const std::int64_t latency_ns = 10 + i * 7 % 5;
    kept.add(at_ns, latency_ns);
    at_ns += latency_ns + 1 + i * 3 % 4;
  }
  std::cout << kept.every() << '\n';
  for (const std::int64_t gap_ns : std::move(kept).gaps_ns()) std::cout << gap_ns << ' ';
  std::cout << '\n';
  for (const std::int64_t ns : std::move(kept).latencies_ns()) std::cout << ns << ' ';
}
