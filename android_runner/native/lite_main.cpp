// Measures a .ptl file with PyTorch's lite interpreter.
#include <cstdlib>

#include "lite_engine.h"
#include "program.h"

int main(int argc, char** argv) {
  pocketbench::LiteEngine engine;
  // A runtime that crashes while it is taken apart must not undo a measurement.
  std::_Exit(pocketbench::run_program(engine, argc, argv));
}
