#include "tools/lab/lab.h"

#include <sys/stat.h>

#include <cerrno>
#include <cstdio>
#include <cstring>

namespace nf::lab {
namespace {

bool exists(const std::string& path) {
  struct stat s;
  return stat(path.c_str(), &s) == 0;
}

}  // namespace

Result<std::string> read_file(const std::string& path) {
  std::FILE* f = std::fopen(path.c_str(), "rb");
  if (f == nullptr) return error_at(path, 0, std::strerror(errno));
  std::string text;
  char block[65536];
  size_t n;
  while ((n = std::fread(block, 1, sizeof block, f)) > 0) text.append(block, n);
  const int failure = std::ferror(f) != 0 ? errno : 0;
  std::fclose(f);
  if (failure != 0) return error_at(path, 0, std::strerror(failure));
  return text;
}

Result<Lab> read_lab(const std::string& folder) {
  Lab lab;
  lab.folder = folder;
  struct stat s;
  if (stat(folder.c_str(), &s) != 0) return error_at(folder, 0, std::string("no such lab: ") + std::strerror(errno));
  if (!S_ISDIR(s.st_mode)) return error_at(folder, 0, "a lab is a folder, this is a file");
  lab.network_file = folder + "/network";
  lab.sysctl_file = folder + "/sysctl.conf";
  lab.timeouts_file = folder + "/timeouts";
  lab.rules_file = folder + "/rules.v4";
  if (exists(folder + "/rules.v6")) return error_at(folder + "/rules.v6", 0, "IPv6 is not modelled");

  auto network = read_file(lab.network_file);
  if (!network) return network.error();
  auto lines = parse_network(*network, lab.network_file);
  if (!lines) return lines.error();
  lab.network = lines.take();
  if (exists(lab.sysctl_file)) {
    auto text = read_file(lab.sysctl_file);
    if (!text) return text.error();
    auto settings = parse_sysctl_conf(*text, lab.sysctl_file);
    if (!settings) return settings.error();
    lab.sysctl = settings.take();
  }
  if (exists(lab.timeouts_file)) {
    auto text = read_file(lab.timeouts_file);
    if (!text) return text.error();
    auto policies = parse_timeouts(*text, lab.timeouts_file);
    if (!policies) return policies.error();
    lab.timeouts = policies.take();
  }
  if (exists(lab.rules_file)) {
    auto text = read_file(lab.rules_file);
    if (!text) return text.error();
    lab.rules = text.take();
  }
  return lab;
}

}  // namespace nf::lab
