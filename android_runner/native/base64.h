// Base64 (RFC 4648, section 4): bytes as text that every shell passes on unchanged.
#pragma once

#include <cstddef>
#include <span>
#include <string>

namespace pocketbench {

std::string base64(std::span<const std::byte> bytes);

}  // namespace pocketbench
