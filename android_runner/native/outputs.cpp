#include "outputs.h"

#include <fstream>
#include <ios>
#include <stdexcept>

#include "base64.h"

namespace pocketbench {
namespace {

// `float32:1x1000:` and the bytes in base64.
std::string reported(const OutputPart& part) {
  std::string text(part.dtype);
  text += ':';
  for (std::size_t i = 0; i < part.shape.size(); ++i) {
    if (i > 0) text += 'x';
    text += std::to_string(part.shape[i]);
  }
  return text + ':' + base64(part.bytes);
}

}  // namespace

std::string output_digest(const Engine& engine) {
  Sha256 hash;
  engine.visit_output([&](const OutputPart& part) {
    hash.update(part.bytes.data(), part.bytes.size());
  });
  return hash.hex_digest();
}

void print_outputs(Engine& engine, std::size_t inputs, ProtocolWriter& writer) {
  for (std::size_t i = 0; i < inputs; ++i) {
    engine.stage(i);
    engine.forward();
    std::vector<std::string> parts;
    engine.visit_output([&](const OutputPart& part) {
      if (!part.dtype.empty()) parts.push_back(reported(part));
    });
    writer.write(Line().add("output_" + std::to_string(i), parts));
  }
}

std::vector<std::byte> read_input_data(const std::string& path) {
  std::ifstream file(path, std::ios::binary | std::ios::ate);
  std::vector<std::byte> bytes;
  if (file) {
    bytes.resize(static_cast<std::size_t>(file.tellg()));
    file.seekg(0);
    file.read(
        reinterpret_cast<char*>(bytes.data()),
        static_cast<std::streamsize>(bytes.size()));
  }
  if (!file) throw std::invalid_argument("--input-data: cannot read " + path);
  return bytes;
}

std::size_t count_input_sets(std::size_t bytes, std::size_t set_bytes) {
  if (set_bytes == 0 || bytes == 0 || bytes % set_bytes != 0) {
    throw std::invalid_argument(
        "--input-data: " + std::to_string(bytes) +
        " bytes are no whole number of inputs of " + std::to_string(set_bytes) +
        " bytes");
  }
  return bytes / set_bytes;
}

}  // namespace pocketbench
