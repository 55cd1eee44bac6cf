// What the kernel says this process holds.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace pocketbench {

// Absent where the system does not report it: zero would be a claim.
struct ProcessStatus {
  std::optional<std::int64_t> rss_bytes;       // VmRSS
  std::optional<std::int64_t> peak_rss_bytes;  // VmHWM
  std::optional<std::int64_t> swap_bytes;      // VmSwap
  std::optional<std::int64_t> threads;         // of the operating system
};

// Of this process, from /proc/self/status (proc(5)); all absent without one.
ProcessStatus read_process_status();

ProcessStatus parse_process_status(std::string_view text);

// What this process holds, shared pages by their share, from /proc/self/smaps_rollup
// (Linux 4.14); takes the kernel milliseconds, so never within what is timed.
std::optional<std::int64_t> read_pss_bytes();

}  // namespace pocketbench
