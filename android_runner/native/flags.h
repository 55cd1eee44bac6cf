// The command line every one of our measuring programs has.
#pragma once

#include <cstdint>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace pocketbench {

struct TensorSpec {
  std::string dtype;  // torch's name: float32, int64, ...
  std::vector<std::int64_t> shape;
};

struct Flags {
  std::string model;
  int warmup = 0;
  int iterations = 1;
  std::int64_t min_duration_ms = 0;  // of the measured inferences together
  bool gaps = false;                 // report also when each of them began
  int threads = 1;
  bool steady_heap = false;  // see Engine::make_heap_steady
  std::uint64_t seed = 0;
  std::vector<TensorSpec> inputs;  // for a model that brings none of its own
  std::string input_data;          // a file with values for them
  bool outputs = false;            // report what the model answers, and time nothing
  bool generate = false;           // tokens, of a decoder, instead of inferences
  std::int64_t prompt_tokens = 128;
  std::vector<std::int64_t> prompt_ids;  // instead of so many from the seed
  std::int64_t new_tokens = 64;
  std::int64_t kv_depth = 0;  // tokens in the cache before the prompt
  int warmup_generations = 0;
  std::vector<std::int64_t> score_ids;  // whose probability is reported, before those
  bool prepack = false;              // print the model as a phone's app has it
  bool profile_operators = false;
  std::int64_t spin_ms = 0;  // instead of measuring; 0: measure
  bool capabilities = false;
  bool help = false;
};

class FlagError : public std::invalid_argument {
  using std::invalid_argument::invalid_argument;
};

extern const std::string_view kHelp;

// Throws FlagError with the flag's name and what is wrong with it.
Flags parse_flags(std::span<const std::string> arguments);

// `float32:1x3x224x224`; `int64:` is a scalar.
TensorSpec parse_tensor_spec(std::string_view text);

}  // namespace pocketbench
