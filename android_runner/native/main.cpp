// A command-line program that measures with the one engine it is built with.
#include <cstdlib>

#include "program.h"

int main(int argc, char** argv) {
  const auto engine = pocketbench::make_engine();
  // A runtime that crashes while it is taken apart must not undo a measurement.
  std::_Exit(pocketbench::run_program(*engine, argc, argv));
}
