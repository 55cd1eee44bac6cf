#include "executorch_custom_ops.h"

#include <executorch/runtime/kernel/operator_registry.h>

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <fstream>
#include <string_view>
#include <vector>

#if defined(__linux__) && !defined(__ANDROID__)
#include <dlfcn.h>
#include <elf.h>
#include <sys/mman.h>
#include <unistd.h>

#include <filesystem>
#endif

namespace pocketbench {
namespace {

constexpr std::string_view kNamespace = "llama::";

bool are_registered() {
  const auto kernels = executorch::runtime::get_registered_kernels();
  return std::any_of(kernels.begin(), kernels.end(), [](const auto& kernel) {
    return std::string_view(kernel.name_).starts_with(kNamespace);
  });
}

#if defined(__linux__) && !defined(__ANDROID__)
namespace fs = std::filesystem;

// A shared library with a name and no symbol.
struct EmptyLibrary {
  Elf64_Ehdr header{};
  Elf64_Phdr segments[2]{};
  Elf64_Sym symbol{};
  std::uint32_t hashes[4] = {1, 1, 0, 0};
  Elf64_Dyn dynamic[7]{};
  char strings[256]{};

  explicit EmptyLibrary(const std::string& name) {
    const auto at = [this](const void* part) {
      return static_cast<std::uint64_t>(
          static_cast<const char*>(part) - reinterpret_cast<const char*>(this));
    };
    std::memcpy(header.e_ident, ELFMAG, SELFMAG);
    header.e_ident[EI_CLASS] = ELFCLASS64;
    header.e_ident[EI_DATA] = ELFDATA2LSB;
    header.e_ident[EI_VERSION] = EV_CURRENT;
    header.e_type = ET_DYN;
#ifdef __aarch64__
    header.e_machine = EM_AARCH64;
#else
    header.e_machine = EM_X86_64;
#endif
    header.e_version = EV_CURRENT;
    header.e_phoff = at(segments);
    header.e_ehsize = sizeof(Elf64_Ehdr);
    header.e_phentsize = sizeof(Elf64_Phdr);
    header.e_phnum = 2;
    segments[0] = {PT_LOAD, PF_R | PF_W, 0, 0, 0, sizeof *this, sizeof *this, 0x10000};
    segments[1] = {PT_DYNAMIC,  PF_R | PF_W,    at(dynamic),    at(dynamic),
                   at(dynamic), sizeof dynamic, sizeof dynamic, 8};
    const std::pair<Elf64_Sxword, std::uint64_t> entries[] = {
        {DT_SONAME, 1},
        {DT_HASH, at(hashes)},
        {DT_STRTAB, at(strings)},
        {DT_SYMTAB, at(&symbol)},
        {DT_STRSZ, sizeof strings},
        {DT_SYMENT, sizeof(Elf64_Sym)},
        {DT_NULL, 0}};
    for (std::size_t i = 0; i < std::size(entries); ++i) {
      dynamic[i].d_tag = entries[i].first;
      dynamic[i].d_un.d_val = entries[i].second;
    }
    std::strncpy(strings + 1, name.c_str(), sizeof strings - 2);
  }
};

std::string last_error() {
  const char* text = ::dlerror();
  return text ? text : "it cannot be loaded";
}

// The library names that of ExecuTorch's Python module, which needs a running Python,
// and calls nothing of it: an empty one of that name does.
bool load_empty(const std::string& name) {
  const EmptyLibrary library(name);
  const int file = ::memfd_create(name.c_str(), 0);
  if (file < 0) return false;
  const bool is_written =
      ::write(file, &library, sizeof library) == ssize_t{sizeof library};
  const std::string path = "/proc/self/fd/" + std::to_string(file);
  const bool is_loaded =
      is_written && ::dlopen(path.c_str(), RTLD_NOW | RTLD_GLOBAL) != nullptr;
  ::close(file);
  return is_loaded;
}

std::string load_from_wheel() {
  Dl_info info;
  const auto* function =
      reinterpret_cast<const void*>(&executorch::runtime::register_kernels);
  if (::dladdr(function, &info) == 0) return "the runtime is not a library of its own";
  std::error_code ignored;
  const fs::path root =
      fs::canonical(info.dli_fname, ignored).parent_path().parent_path() / "extension";
  const fs::path library = root / "llm/custom_ops/libcustom_ops_aot_lib.so";
  if (!fs::exists(library, ignored)) {
    return "the runtime has no library of them beside it";
  }
  for (const auto& file : fs::directory_iterator(root / "pybindings", ignored)) {
    const std::string name = file.path().filename();
    if (name.starts_with("_C.") && !load_empty(name)) return last_error();
  }
  if (::dlopen(library.c_str(), RTLD_NOW | RTLD_GLOBAL) == nullptr) return last_error();
  return are_registered() ? "" : library.string() + " registers none";
}
#else
std::string load_from_wheel() { return "this runtime was built without them"; }
#endif

}  // namespace

bool calls_custom_ops(const std::string& model) {
  // The program with its names comes first, then the weights; the header says where
  // (executorch/schema/extended_header.h).
  constexpr std::size_t kHeaderBytes = 24;
  std::ifstream file(model, std::ios::binary);
  std::vector<char> head(kHeaderBytes);
  file.read(head.data(), kHeaderBytes);
  if (!file || std::string_view(head.data() + 8, 4) != "eh00") return false;
  std::uint64_t program_bytes = 0;
  std::memcpy(&program_bytes, head.data() + 16, sizeof program_bytes);
  constexpr std::uint64_t kMostBytes = 64 << 20;
  std::string program(std::min(program_bytes, kMostBytes), '\0');
  file.seekg(0);
  file.read(program.data(), static_cast<std::streamsize>(program.size()));
  return program.find(kNamespace) != std::string::npos;
}

const std::string& load_custom_ops() {
  static const std::string why_not = are_registered() ? "" : load_from_wheel();
  return why_not;
}

}  // namespace pocketbench
