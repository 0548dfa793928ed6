#include "tools/replay/output_folder.h"

#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <utility>

namespace nf {
namespace {

constexpr std::string_view kPartial = ".partial";

Error system_error(const std::string& path) { return error(path + ": " + std::strerror(errno)); }

}  // namespace

Result<std::unique_ptr<TextFile>> TextFile::open(const std::string& path) {
  std::FILE* f = std::fopen(path.c_str(), "w");
  if (f == nullptr) return system_error(path);
  return std::unique_ptr<TextFile>(new TextFile(path, f));
}

TextFile::~TextFile() {
  if (file_ != nullptr) std::fclose(file_);
}

void TextFile::write(std::string_view text) {
  if (file_ == nullptr || error_ != 0) return;
  if (std::fwrite(text.data(), 1, text.size(), file_) != text.size()) error_ = errno;
}

Status TextFile::close() {
  if (std::fclose(std::exchange(file_, nullptr)) != 0 && error_ == 0) error_ = errno;
  if (error_ != 0) return error(path_ + ": " + std::strerror(error_));
  return {};
}

Result<OutputFolder> OutputFolder::open(const std::string& path) {
  if (::mkdir(path.c_str(), 0777) == 0) return OutputFolder(path, true);
  struct stat st;
  if (errno != EEXIST || ::stat(path.c_str(), &st) != 0) return system_error(path);
  if (!S_ISDIR(st.st_mode)) return error(path + ": is not a folder");
  return OutputFolder(path, false);
}

OutputFolder::OutputFolder(OutputFolder&& other) noexcept
    : path_(std::move(other.path_)), made_(other.made_), names_(std::move(other.names_)) {
  other.path_.clear();
  other.names_.clear();
  other.made_ = false;
}

OutputFolder::~OutputFolder() {
  for (const std::string& name : names_) ::unlink((path_ + '/' + name + std::string(kPartial)).c_str());
  if (made_) ::rmdir(path_.c_str());
}

std::string OutputFolder::begin(const std::string& name) {
  names_.push_back(name);
  return path_ + '/' + name + std::string(kPartial);
}

Status OutputFolder::write(const std::string& name, std::string_view text) {
  Result<std::unique_ptr<TextFile>> file = TextFile::open(begin(name));
  if (!file) return file.error();
  (*file)->write(text);
  return (*file)->close();
}

Status OutputFolder::commit() {
  for (const std::string& name : names_) {
    const std::string path = path_ + '/' + name;
    if (::rename((path + std::string(kPartial)).c_str(), path.c_str()) != 0) return system_error(path);
  }
  names_.clear();
  made_ = false;
  return {};
}

}  // namespace nf
