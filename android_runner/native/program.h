// One launch from command line to seal, the same for every engine.
#pragma once

#include "engine.h"

namespace pocketbench {

// How a program ends; the `error` line says the same in words.
enum class Exit : int {
  kMeasured = 0,
  kBadFlags = 2,
  kNotLoaded = 10,
  kNoInputs = 11,
  kModelRaised = 12,
  kNotProfiled = 13,
  kNotGenerating = 14,
};

// Runs `main`'s arguments with an engine, writing the protocol to `file_descriptor`.
int run_program(Engine& engine, int argc, char** argv, int file_descriptor = 1);

}  // namespace pocketbench
