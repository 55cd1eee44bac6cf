// JSON Lines on standard output: how a program tells the harness what it measured.
//
// Every line is one flat object, written whole. Each key occurs once in an output.
// The first line carries {"wire": 1, ...}. The last one is the seal
// {"end": true, "lines": N, "sha256": H}, where H is of the N lines before it with
// their newlines, so that an output that was cut off or garbled is never read as a
// measurement. Lines that do not begin with `{` are not ours and are not counted.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "sha256.h"

namespace pocketbench {

inline constexpr int kWireVersion = 1;

// One JSON object under construction.
class Line {
 public:
  Line& add(std::string_view key, std::int64_t value);
  Line& add(std::string_view key, std::optional<std::int64_t> value);
  Line& add(std::string_view key, std::span<const std::int64_t> values);
  Line& add(std::string_view key, std::span<const std::string> values);
  Line& add_text(std::string_view key, std::string_view value);
  Line& add_flag(std::string_view key, bool value);

  std::string text() const { return "{" + fields_ + "}"; }

 private:
  void begin(std::string_view key);

  std::string fields_;
};

// `text` as a JSON string; bytes that are not UTF-8 become U+FFFD.
std::string json_string(std::string_view text);

class Wire {
 public:
  explicit Wire(int file_descriptor) : file_descriptor_(file_descriptor) {}

  void write(const Line& line);
  void seal();

 private:
  void write_bytes(std::string_view bytes) const;

  int file_descriptor_;
  std::int64_t lines_ = 0;
  Sha256 hash_;
};

}  // namespace pocketbench
