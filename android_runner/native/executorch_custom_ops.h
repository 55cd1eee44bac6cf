// The operators of ExecuTorch's llama extension, which its wheel has in a library apart.
#pragma once

#include <string>

namespace pocketbench {

// Whether a .pte file calls one of them, by the names in its program.
bool calls_custom_ops(const std::string& model);

// Loads them, once, unless they are linked into this program: the wheel's library needs
// all of libtorch. Returns why they are not there; empty: they are.
const std::string& load_custom_ops();

}  // namespace pocketbench
