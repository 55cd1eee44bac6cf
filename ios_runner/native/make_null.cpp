// An engine that computes nothing: what is left is the harness alone.
#include "make_engine.h"

namespace pocketbench {
namespace {

class NullEngine final : public Engine {
 public:
  std::string name() const override { return "null"; }
  std::string runtime() const override { return "none"; }
  int use_threads(int) override { return 1; }
  void describe(Line&) const override {}
  void describe_capabilities(Line&) const override {}
  void load(const std::string&) override {}
  Inputs prepare_inputs(std::span<const TensorSpec>, std::uint64_t) override {
    return {"none", 1};
  }
  Inputs read_inputs(
      std::span<const TensorSpec>, std::span<const std::byte>) override {
    return {"none", 1};
  }
  void stage(std::size_t) override {}
  void forward() override {}
  void visit_output(const OutputVisitor&) const override {}
};

}  // namespace

std::unique_ptr<Engine> make_engine() { return std::make_unique<NullEngine>(); }

}  // namespace pocketbench
