// Answers the runner protocol at once: what is left is the harness alone. Its
// latencies are the real times of an empty forward call.
#include <cmath>

#include "engine.h"

namespace pocketbench {
namespace {

// Counts up from the last token.
class NullDecoder final : public Decoder {
 public:
  std::int64_t vocabulary_size() const override { return 1000; }
  std::optional<std::int64_t> context_tokens() const override { return 4096; }
  std::int64_t most_step_tokens() const override { return 512; }
  bool ends(std::int64_t) const override { return false; }
  std::int64_t step(std::span<const std::int64_t> tokens, std::int64_t) override {
    return (tokens.back() + 1) % vocabulary_size();
  }
  double loss_of(std::int64_t) const override { return std::log(vocabulary_size()); }
};

class NullEngine final : public Engine {
 public:
  std::string name() const override { return "null"; }
  std::string runtime() const override { return "none"; }
  int use_threads(int) override { return 1; }
  void describe(Line&) const override {}
  void describe_capabilities(Line&) const override {}
  void load(const std::string&) override {}
  Inputs prepare_inputs(
      std::span<const TensorSpec>, std::uint64_t) override {
    return {"none", 1};
  }
  Inputs read_inputs(
      std::span<const TensorSpec>, std::span<const std::byte>) override {
    return {"none", 1};
  }
  void stage(std::size_t) override {}
  void forward() override {}
  void visit_output(const OutputVisitor&) const override {}
  Decoder& decoder() override { return decoder_; }

 private:
  NullDecoder decoder_;
};

}  // namespace

std::unique_ptr<Engine> make_engine() { return std::make_unique<NullEngine>(); }

}  // namespace pocketbench
