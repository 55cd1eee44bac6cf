// ExecuTorch's error codes with what its log says about them.
#pragma once

#include <executorch/runtime/core/error.h>

namespace pocketbench {

// Keeps the runtime's error messages from now on; once per process.
void keep_executorch_messages();

// Throws std::runtime_error with the code and the messages since the last success.
void check_executorch(executorch::runtime::Error error, const char* what);

}  // namespace pocketbench
