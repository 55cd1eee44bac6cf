#include "memory.h"

#include <algorithm>
#include <charconv>
#include <fstream>
#include <iterator>
#include <string>

namespace pocketbench {
namespace {

constexpr std::int64_t kKibibyte = 1024;

std::optional<std::int64_t> number_after(std::string_view text, std::string_view key) {
  std::size_t start = 0;
  while (start < text.size()) {
    const std::size_t end = std::min(text.find('\n', start), text.size());
    std::string_view line = text.substr(start, end - start);
    start = end + 1;
    if (!line.starts_with(key) || line.substr(key.size(), 1) != ":") continue;
    line.remove_prefix(key.size() + 1);
    const std::size_t digits = line.find_first_not_of(" \t");
    if (digits == std::string_view::npos) return std::nullopt;
    std::int64_t value = 0;
    const auto parsed =
        std::from_chars(line.data() + digits, line.data() + line.size(), value);
    if (parsed.ec != std::errc()) return std::nullopt;
    return value;
  }
  return std::nullopt;
}

std::optional<std::int64_t> bytes_after(std::string_view text, std::string_view key) {
  const auto kib = number_after(text, key);
  if (!kib) return std::nullopt;
  return *kib * kKibibyte;
}

}  // namespace

ProcessStatus parse_process_status(std::string_view text) {
  return {
      .rss_bytes = bytes_after(text, "VmRSS"),
      .peak_rss_bytes = bytes_after(text, "VmHWM"),
      .swap_bytes = bytes_after(text, "VmSwap"),
      .threads = number_after(text, "Threads"),
  };
}

ProcessStatus read_process_status() {
  std::ifstream file("/proc/self/status");
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  return parse_process_status(text);
}

std::optional<std::int64_t> read_pss_bytes() {
  std::ifstream file("/proc/self/smaps_rollup");
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  return bytes_after(text, "Pss");
}

}  // namespace pocketbench
