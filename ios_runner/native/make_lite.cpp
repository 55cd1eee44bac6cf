// PyTorch's lite interpreter, for .ptl files.
#include "lite_engine.h"
#include "make_engine.h"

namespace pocketbench {

std::unique_ptr<Engine> make_engine() { return std::make_unique<LiteEngine>(); }

}  // namespace pocketbench
