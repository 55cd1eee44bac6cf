// One launch of the measuring app, but for what only the platform can do.
//
// Portable, so that Linux tests it; bridge.mm supplies the rest.
#pragma once

#include <filesystem>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace pocketbench {

struct App {
  // The app's container; arguments name files relative to it.
  std::filesystem::path home;

  // One JSON object of the device's state, `when` is `before` or `after`.
  std::function<std::string(std::string_view when)> conditions;

  // `run_program` with an engine, writing the protocol to the file descriptor.
  std::function<int(int argc, char** argv, int file_descriptor)> measure;
};

// Runs `main`'s arguments and returns the exit code.
//
// What is said goes to the file that POCKETBENCH_RESULT names, Documents/results/
// NAME.jsonl, which appears only when it is whole, and after the end to standard
// output: nothing is written to a console while something is timed. Without that
// variable it goes to standard output alone. Around its output stand two lines,
// `conditions {"when": ...}`, which are no part of it.
//
// With --conditions it measures nothing and reports those alone. With --objects it
// measures nothing and reports one {"object": NAME, "size_bytes": N, "sha256": H} for
// each file in Documents.
int run_app(const App& app, std::vector<std::string> arguments);

}  // namespace pocketbench
