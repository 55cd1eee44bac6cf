// Hears of every operator that the lite interpreter runs.
#pragma once

#include "operators.h"

namespace pocketbench {

// From now on, on this thread; `times` must outlive the process's last inference.
void observe_lite_operators(OperatorTimes& times);

}  // namespace pocketbench
