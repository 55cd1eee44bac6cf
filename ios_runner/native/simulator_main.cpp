// A plain command-line program for iOS simulators, started with `simctl spawn`.
#include <cstdlib>

#include "make_engine.h"
#include "program.h"

int main(int argc, char** argv) {
  const auto engine = pocketbench::make_engine();
  // A runtime that crashes while it is taken apart must not undo a measurement.
  std::_Exit(pocketbench::run_program(*engine, argc, argv));
}
