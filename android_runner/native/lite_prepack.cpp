#include "lite_prepack.h"

#ifdef POCKETBENCH_FULL_JIT
#include <ATen/Context.h>
#include <torch/csrc/jit/passes/xnnpack_rewrite.h>
#include <torch/csrc/jit/serialization/export.h>
#include <torch/csrc/jit/serialization/import.h>

#include <sstream>
#endif

#include <stdexcept>

namespace pocketbench {

#ifdef POCKETBENCH_FULL_JIT
Prepacked prepack_lite(const std::string& model) {
  if (!at::Context::isXNNPACKAvailable()) {
    throw std::runtime_error("this runtime has no XNNPACK to prepack for");
  }
  torch::jit::Module script = torch::jit::load(model);
  script.eval();
  // Freezing drops every other method: those of the bundled inputs too.
  std::vector<std::string> preserved;
  for (const torch::jit::Method& method : script.get_methods()) {
    if (method.name() != "forward") preserved.push_back(method.name());
  }
  const torch::jit::Module made = torch::jit::optimizeForMobile(script, {}, preserved);
  std::ostringstream file;
  made._save_for_mobile(file);
  return {std::move(file).str(), torch::jit::export_opnames(made)};
}
#else
Prepacked prepack_lite(const std::string&) {
  throw std::runtime_error("this runtime has the interpreter alone");
}
#endif

}  // namespace pocketbench
