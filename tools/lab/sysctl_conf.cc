#include "tools/lab/sysctl_conf.h"

#include "datapath/base/text.h"

namespace nf::lab {

Result<std::vector<SysctlSetting>> parse_sysctl_conf(std::string_view text, const std::string& file) {
  std::vector<SysctlSetting> settings;
  int number = 0;
  for (const std::string_view raw : split(text, '\n')) {
    ++number;
    std::string_view line = trim(raw);
    if (line.empty() || line[0] == '#' || line[0] == ';') continue;
    SysctlSetting s;
    s.line = number;
    if (line[0] == '-') {
      s.ignore_error = true;
      line = trim(line.substr(1));
    }
    const size_t equals = line.find('=');
    if (equals == std::string_view::npos)
      return error_at(file, number, "\"" + std::string(line) + "\" is not \"name = value\"");
    s.name = trim(line.substr(0, equals));
    s.value = trim(line.substr(equals + 1));
    if (s.name.empty() || s.name.find_first_of(" \t") != std::string::npos)
      return error_at(file, number, "\"" + s.name + "\" is not a sysctl's name");
    if (s.name.find_first_of("*?[") != std::string::npos)
      return error_at(file, number, "\"" + s.name + "\": patterns are not supported");
    if (s.value.empty()) return error_at(file, number, "\"" + s.name + "\" has no value");
    settings.push_back(std::move(s));
  }
  return settings;
}

}  // namespace nf::lab
