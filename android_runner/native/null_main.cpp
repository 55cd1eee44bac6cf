// Answers the wire protocol at once: what is left is the harness alone. Its
// latencies are the real times of an empty forward call.
#include <cstdlib>

#include "program.h"

namespace {

class NullEngine final : public pocketbench::Engine {
 public:
  std::string name() const override { return "null"; }
  std::string runtime() const override { return "none"; }
  int use_threads(int) override { return 1; }
  void describe(pocketbench::Line&) const override {}
  void describe_capabilities(pocketbench::Line&) const override {}
  void load(const std::string&) override {}
  pocketbench::Inputs prepare_inputs(
      std::span<const pocketbench::TensorSpec>, std::uint64_t) override {
    return {"none", 1};
  }
  pocketbench::Inputs read_inputs(
      std::span<const pocketbench::TensorSpec>, std::span<const std::byte>) override {
    return {"none", 1};
  }
  void stage(std::size_t) override {}
  void forward() override {}
  void visit_output(const pocketbench::OutputVisitor&) const override {}
};

}  // namespace

int main(int argc, char** argv) {
  NullEngine engine;
  // A runtime that crashes while it is taken apart must not undo a measurement.
  std::_Exit(pocketbench::run_program(engine, argc, argv));
}
