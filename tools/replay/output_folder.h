// A folder of results that appears whole or not at all: files are written beside their names and take them at the end.
#pragma once

#include <cstdio>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "datapath/base/result.h"

namespace nf {

// A text file that is written as it goes; the first error sticks and close() tells it.
class TextFile {
 public:
  static Result<std::unique_ptr<TextFile>> open(const std::string& path);
  ~TextFile();
  TextFile(const TextFile&) = delete;
  TextFile& operator=(const TextFile&) = delete;
  void write(std::string_view text);
  Status close();

 private:
  TextFile(std::string path, std::FILE* file) : path_(std::move(path)), file_(file) {}
  std::string path_;
  std::FILE* file_;
  int error_ = 0;  // errno
};

class OutputFolder {
 public:
  // Makes the folder when it is not there.
  static Result<OutputFolder> open(const std::string& path);
  OutputFolder(OutputFolder&& other) noexcept;
  OutputFolder& operator=(OutputFolder&&) = delete;
  // Without commit() everything begun is removed, the folder too if this made it.
  ~OutputFolder();

  // The path to write a file called `name` to until commit().
  std::string begin(const std::string& name);
  Status write(const std::string& name, std::string_view text);
  const std::string& path() const { return path_; }
  // Gives all files their names.
  Status commit();

 private:
  OutputFolder(std::string path, bool made) : path_(std::move(path)), made_(made) {}
  std::string path_;
  bool made_;
  std::vector<std::string> names_;
};

}  // namespace nf
