// What a model answers: hashed in a launch that is timed, reported in one that is not.
#pragma once

#include "engine.h"
#include "flags.h"
#include "runner_protocol.h"

namespace pocketbench {

// Of the last output's bytes, part after part.
std::string output_digest(const Engine& engine);

// One inference for each set of inputs and a line with what it answered.
void print_outputs(Engine& engine, std::size_t inputs, ProtocolWriter& writer);

// The whole content of a file. Throws std::invalid_argument when it cannot be read.
std::vector<std::byte> read_input_data(const std::string& path);

// How many sets of such tensors the bytes are. Throws std::invalid_argument when they
// are not a whole number of them.
std::size_t count_input_sets(std::size_t bytes, std::size_t set_bytes);

}  // namespace pocketbench
