// ExecuTorch, for .pte files.
#include "executorch_engine.h"
#include "make_engine.h"

namespace pocketbench {

std::unique_ptr<Engine> make_engine() { return std::make_unique<ExecutorchEngine>(); }

}  // namespace pocketbench
