// The measuring app's portable part on this computer: app.cpp as the iPhone has it,
// and for the engine a program of this computer, named beside this one.
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "app.h"

int main(int argc, char** argv) {
  namespace fs = std::filesystem;
  const fs::path beside = fs::canonical("/proc/self/exe").parent_path();
  pocketbench::App app;
  app.home = std::getenv("HOME");
  app.conditions = [](std::string_view when) {
    return R"({"battery_percent": 80, "battery_state": 2, "device_model": )"
           R"("iPhone99,1", "low_power_mode": false, "thermal_state": )" +
           std::string(when == "before" ? "0" : "1") + R"(, "when": ")" +
           std::string(when) + "\"}";
  };
  app.measure = [&](int, char** arguments, int file_descriptor) {
    std::ifstream file(beside / "measures-with");
    std::string program;
    std::getline(file, program);
    const pid_t child = ::fork();
    if (child == 0) {
      ::dup2(file_descriptor, STDOUT_FILENO);
      arguments[0] = program.data();
      ::execv(program.c_str(), arguments);
      ::_exit(127);
    }
    int status = 0;
    ::waitpid(child, &status, 0);
    if (WIFSIGNALED(status)) ::raise(WTERMSIG(status));
    return WEXITSTATUS(status);
  };
  return pocketbench::run_app(app, std::vector<std::string>(argv, argv + argc));
}
