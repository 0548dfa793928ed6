// A folder of results that appears whole or not at all: files are written beside their names and take them at the end.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "datapath/base/result.h"

namespace nf {

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
  // Gives all files their names.
  Status commit();

 private:
  OutputFolder(std::string path, bool made) : path_(std::move(path)), made_(made) {}
  std::string path_;
  bool made_;
  std::vector<std::string> names_;
};

}  // namespace nf
