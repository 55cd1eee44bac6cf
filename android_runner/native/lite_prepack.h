// A model as an app's export makes it for phones: prepacked for XNNPACK.
#pragma once

#include <string>
#include <vector>

#include "engine.h"

namespace pocketbench {

// Takes a file for the lite interpreter that still holds its TorchScript.
Prepacked prepack_lite(const std::string& model);

}  // namespace pocketbench
