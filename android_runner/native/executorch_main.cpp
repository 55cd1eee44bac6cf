// Measures a .pte file with ExecuTorch.
#include <cstdlib>

#include "executorch_engine.h"
#include "program.h"

int main(int argc, char** argv) {
  pocketbench::ExecutorchEngine engine;
  // A runtime that crashes while it is taken apart must not undo a measurement.
  std::_Exit(pocketbench::run_program(engine, argc, argv));
}
