// The one engine that a program or an app is built with.
#pragma once

#include <memory>

#include "engine.h"

namespace pocketbench {

std::unique_ptr<Engine> make_engine();

}  // namespace pocketbench
