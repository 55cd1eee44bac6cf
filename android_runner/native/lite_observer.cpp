#include "lite_observer.h"

#include <ATen/core/ivalue.h>
#include <ATen/record_function.h>

#include <algorithm>
#include <cctype>
#include <memory>

namespace pocketbench {
namespace {

OperatorTimes* observed = nullptr;

// An integer kernel may bear the same name as a float one: its arguments decide.
std::string dtype_of_first_tensor(c10::ArrayRef<const c10::IValue> arguments) {
  for (const c10::IValue& value : arguments) {
    if (!value.isTensor() || !value.toTensor().defined()) continue;
    const at::ScalarType type = value.toTensor().scalar_type();
    switch (type) {
      case at::kFloat:
        return "float32";
      case at::kHalf:
        return "float16";
      case at::kDouble:
        return "float64";
      default: {
        std::string name = c10::toString(type);  // QUInt8, Long, ...
        std::transform(name.begin(), name.end(), name.begin(), [](unsigned char c) {
          return static_cast<char>(std::tolower(c));
        });
        return name;
      }
    }
  }
  return "";
}

std::unique_ptr<at::ObserverContext> begin(const at::RecordFunction& function) {
  observed->begin({function.name(), "", dtype_of_first_tensor(function.inputs())});
  return nullptr;
}

void end(const at::RecordFunction&, at::ObserverContext*) {
  observed->end();
}

}  // namespace

void observe_lite_operators(OperatorTimes& times) {
  observed = &times;
  at::enableRecordFunction(true);
  // The interpreter's own scope: the operators of the model, and not what each of
  // them calls within. It is there in builds that leave out the dispatcher's.
  at::addThreadLocalCallback(
      at::RecordFunctionCallback(begin, end)
          .needsInputs(true)
          .scopes({at::RecordScope::LITE_INTERPRETER}));
}

}  // namespace pocketbench
