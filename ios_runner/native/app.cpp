#include "app.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <system_error>

#include "sha256.h"
#include "runner_protocol.h"

namespace pocketbench {
namespace {

namespace fs = std::filesystem;

constexpr int kCannotWrite = 13;
constexpr std::string_view kDocuments = "Documents";

void write_all(int file_descriptor, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(file_descriptor, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return;
    bytes.remove_prefix(static_cast<std::size_t>(written));
  }
}

std::string hash_of(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  std::array<char, 65536> buffer;
  Sha256 hash;
  while (file) {
    file.read(buffer.data(), buffer.size());
    hash.update(buffer.data(), static_cast<std::size_t>(file.gcount()));
  }
  return file.eof() ? hash.hex_digest() : "";
}

void list_objects(int file_descriptor) {
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator(kDocuments, ignored)) {
    if (!entry.is_regular_file(ignored)) continue;
    const Line line = Line()
                          .add_text("object", entry.path().filename().string())
                          .add("size_bytes",
                               static_cast<std::int64_t>(entry.file_size(ignored)))
                          .add_text("sha256", hash_of(entry.path()));
    write_all(file_descriptor, line.text() + "\n");
  }
}

void print_conditions(const App& app, std::string_view when, int file_descriptor) {
  if (!app.conditions) return;
  write_all(file_descriptor, "conditions " + app.conditions(when) + "\n");
}

int run(const App& app, const std::vector<std::string>& arguments, int out) {
  const auto has = [&](const char* flag) {
    return std::find(arguments.begin(), arguments.end(), flag) != arguments.end();
  };
  print_conditions(app, "before", out);
  if (has("--conditions")) return 0;
  int code = 0;
  if (has("--objects")) {
    list_objects(out);
  } else {
    std::vector<std::string> owned = arguments;
    std::vector<char*> argv;
    for (std::string& argument : owned) argv.push_back(argument.data());
    argv.push_back(nullptr);
    code = app.measure(static_cast<int>(owned.size()), argv.data(), out);
  }
  print_conditions(app, "after", out);
  return code;
}

// The name of the result file; empty when none was asked for or it is no plain name.
std::string result_name() {
  const char* reported = std::getenv("POCKETBENCH_RESULT");
  const std::string name = reported ? reported : "";
  const bool plain = std::all_of(name.begin(), name.end(), [](unsigned char c) {
    return std::isalnum(c) || c == '-';
  });
  return plain ? name : "";
}

}  // namespace

int run_app(const App& app, std::vector<std::string> arguments) {
  std::error_code error;
  fs::current_path(app.home, error);
  const std::string name = result_name();
  if (name.empty()) return run(app, arguments, STDOUT_FILENO);

  const fs::path results = fs::path(kDocuments) / "results";
  fs::remove_all(results, error);
  fs::create_directories(results, error);
  const fs::path part = results / (name + ".part");
  const int out = ::open(part.c_str(), O_RDWR | O_CREAT | O_TRUNC, 0644);
  if (out < 0) {
    std::perror(part.c_str());
    return kCannotWrite;
  }
  const int code = run(app, arguments, out);
  ::close(out);
  const fs::path whole = results / (name + ".jsonl");
  fs::rename(part, whole, error);
  std::ifstream file(whole, std::ios::binary);
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  write_all(STDOUT_FILENO, text);
  return code;
}

}  // namespace pocketbench
