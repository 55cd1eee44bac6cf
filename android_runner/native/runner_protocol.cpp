#include "runner_protocol.h"

#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstdlib>

namespace pocketbench {
namespace {

constexpr std::string_view kReplacement = "\xEF\xBF\xBD";

// Size of the UTF-8 sequence at the start of `text`, 0 when it is not one (RFC 3629).
std::size_t utf8_size(std::string_view text) {
  const auto byte = [&](std::size_t i) {
    return i < text.size() ? static_cast<unsigned char>(text[i]) : 0u;
  };
  const auto continues = [&](std::size_t i) { return (byte(i) & 0xC0) == 0x80; };
  const unsigned lead = byte(0);
  if (lead < 0x80) return 1;
  if (lead >= 0xC2 && lead <= 0xDF) return continues(1) ? 2 : 0;
  if (lead >= 0xE0 && lead <= 0xEF) {
    const bool overlong = lead == 0xE0 && byte(1) < 0xA0;
    const bool surrogate = lead == 0xED && byte(1) > 0x9F;
    return continues(1) && continues(2) && !overlong && !surrogate ? 3 : 0;
  }
  if (lead >= 0xF0 && lead <= 0xF4) {
    const bool overlong = lead == 0xF0 && byte(1) < 0x90;
    const bool too_large = lead == 0xF4 && byte(1) > 0x8F;
    const bool whole = continues(1) && continues(2) && continues(3);
    return whole && !overlong && !too_large ? 4 : 0;
  }
  return 0;
}

}  // namespace

std::string json_string(std::string_view text) {
  std::string json = "\"";
  while (!text.empty()) {
    const std::size_t size = utf8_size(text);
    const char c = text.front();
    if (size == 0) {
      json += kReplacement;
    } else if (c == '"' || c == '\\') {
      json += {'\\', c};
    } else if (static_cast<unsigned char>(c) < 0x20 || c == 0x7F) {
      std::array<char, 8> escape;
      std::snprintf(escape.data(), escape.size(), "\\u%04x", c);
      json += escape.data();
    } else {
      json += text.substr(0, size);
    }
    text.remove_prefix(size == 0 ? 1 : size);
  }
  return json + "\"";
}

void Line::begin(std::string_view key) {
  if (!fields_.empty()) fields_ += ", ";
  fields_ += json_string(key) + ": ";
}

Line& Line::add(std::string_view key, std::int64_t value) {
  begin(key);
  fields_ += std::to_string(value);
  return *this;
}

Line& Line::add(std::string_view key, std::optional<std::int64_t> value) {
  begin(key);
  fields_ += value ? std::to_string(*value) : "null";
  return *this;
}

Line& Line::add(std::string_view key, std::span<const std::int64_t> values) {
  begin(key);
  fields_ += '[';
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (i > 0) fields_ += ',';
    fields_ += std::to_string(values[i]);
  }
  fields_ += ']';
  return *this;
}

Line& Line::add(std::string_view key, std::span<const std::string> values) {
  begin(key);
  fields_ += '[';
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (i > 0) fields_ += ',';
    fields_ += json_string(values[i]);
  }
  fields_ += ']';
  return *this;
}

Line& Line::add_text(std::string_view key, std::string_view value) {
  begin(key);
  fields_ += json_string(value);
  return *this;
}

Line& Line::add_flag(std::string_view key, bool value) {
  begin(key);
  fields_ += value ? "true" : "false";
  return *this;
}

void ProtocolWriter::write(const Line& line) {
  const std::string text = line.text() + "\n";
  write_bytes(text);
  hash_.update(text);
  ++lines_;
}

void ProtocolWriter::seal() {
  const Line end = Line()
                       .add_flag("end", true)
                       .add("lines", lines_)
                       .add_text("sha256", hash_.hex_digest());
  write_bytes(end.text() + "\n");
}

void ProtocolWriter::write_bytes(std::string_view bytes) const {
  while (!bytes.empty()) {
    const ssize_t written = ::write(file_descriptor_, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) {
      // Nobody reads any more: there is nothing left to measure for.
      std::_Exit(EXIT_FAILURE);
    }
    bytes.remove_prefix(static_cast<std::size_t>(written));
  }
}

}  // namespace pocketbench
