// What a runtime does for the measurement loop; one class per engine.
#pragma once

#include <cstddef>
#include <exception>
#include <functional>
#include <memory>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "flags.h"
#include "generation.h"
#include "operators.h"
#include "runner_protocol.h"

namespace pocketbench {

// One value of an output. A tensor is contiguous; a quantized one is given as the
// float32 it stands for.
struct OutputPart {
  std::string_view dtype;  // of a tensor, torch's name; else empty: a number, a text
  std::span<const std::int64_t> shape;
  std::span<const std::byte> bytes;
};
using OutputVisitor = std::function<void(const OutputPart&)>;

struct Inputs {
  std::string source;  // `bundled` with the model, `generated` from the seed, `given`
  std::size_t count;   // how many sets there are; inferences go round them
};

// A model file for one kind of CPU.
struct Prepacked {
  std::string file;  // its bytes
  std::vector<std::string> operators;
};

class Engine {
 public:
  virtual ~Engine() = default;

  virtual std::string name() const = 0;     // of the runner: `lite`
  virtual std::string runtime() const = 0;  // `torch 2.13.0`

  // Sizes the thread pools; returns what the runtime says it will use.
  virtual int use_threads(int threads) = 0;

  // Makes latencies independent of where memory happens to lie, see lite_heap.h; false
  // where nothing was changed: a runtime that allocates once, at load, needs nothing.
  virtual bool make_heap_steady() { return false; }

  // Facts for the first line, and those for --capabilities.
  virtual void describe(Line& line) const = 0;
  virtual void describe_capabilities(Line& line) const = 0;

  // What a model needs before it is loaded and that is not the model's: libraries of
  // operators. Neither its time nor its memory counts as loading.
  virtual void prepare(const std::string&) {}

  virtual void load(const std::string& model) = 0;
  virtual Inputs prepare_inputs(
      std::span<const TensorSpec> specs, std::uint64_t seed) = 0;

  // Inputs given as bytes: set after set, each its tensors in order, contiguous and
  // little-endian.
  virtual Inputs read_inputs(
      std::span<const TensorSpec> specs, std::span<const std::byte> data) = 0;

  // Everything an inference needs but its own work: drops the last output, copies
  // the arguments. Not timed.
  virtual void stage(std::size_t input) = 0;

  // The forward call on what was staged. This is what is timed.
  virtual void forward() = 0;

  // The last output, part by part in order; a nested value is its parts.
  virtual void visit_output(const OutputVisitor& visit) const = 0;

  // What was loaded, as a language model. Throws std::invalid_argument where it is none.
  virtual Decoder& decoder() { throw std::invalid_argument("it does not generate"); }

  // The model as an app's export makes it for this CPU, and loads it.
  virtual Prepacked prepack(const std::string&) {
    throw std::runtime_error("it does not prepack models");
  }

  // From now on every operator of an inference is added to `times`, which slows it
  // down; what was measured before is not touched by it. `times` outlives the engine.
  virtual void observe(OperatorTimes&) {
    throw std::runtime_error("its operators cannot be observed");
  }

  // The words of an error without the runtime's backtrace.
  virtual std::string message_of(const std::exception& error) const {
    return error.what();
  }
};

// The one engine that a program or an app is built with.
std::unique_ptr<Engine> make_engine();

}  // namespace pocketbench
