// What a runtime does for the measurement loop; one class an engine.
#pragma once

#include <cstddef>
#include <exception>
#include <span>
#include <string>

#include "flags.h"
#include "sha256.h"
#include "wire.h"

namespace pocketbench {

struct Inputs {
  std::string source;  // `bundled` with the model, or `generated` from the seed
  std::size_t count;   // how many sets there are; inferences go round them
};

class Engine {
 public:
  virtual ~Engine() = default;

  virtual std::string name() const = 0;     // of the runner: `lite`
  virtual std::string runtime() const = 0;  // `torch 2.13.0`

  // Sizes the thread pools; returns what the runtime says it will use.
  virtual int use_threads(int threads) = 0;

  // Facts for the first line, and those for --capabilities.
  virtual void describe(Line& line) const = 0;
  virtual void describe_capabilities(Line& line) const = 0;

  virtual void load(const std::string& model) = 0;
  virtual Inputs prepare_inputs(
      std::span<const TensorSpec> specs, std::uint64_t seed) = 0;

  // Everything an inference needs but its own work: drops the last output, copies
  // the arguments. Not timed.
  virtual void stage(std::size_t input) = 0;

  // The forward call on what was staged. This is what is timed.
  virtual void forward() = 0;

  // The bytes of the last output, tensors in order, each contiguous.
  virtual void hash_output(Sha256& hash) const = 0;

  // The words of an error without the runtime's backtrace.
  virtual std::string message_of(const std::exception& error) const {
    return error.what();
  }
};

}  // namespace pocketbench
