// For lab_check.sh: write_labs FIRST COUNT FOLDER writes the labs of COUNT seeds, each in FOLDER/SEED, with what our
// iptables-save prints for it in `ours`. Exit 1 when the gateway refuses one.
#include <sys/stat.h>

#include <cstdio>
#include <cstdlib>

#include "tools/difftest/lab/lab_generator.h"
#include "tools/gateway/gateway.h"

namespace nf::difftest {
namespace {

bool write_file(const std::string& path, const std::string& text) {
  FILE* file = std::fopen(path.c_str(), "w");
  if (file == nullptr) return false;
  const bool whole = std::fwrite(text.data(), 1, text.size(), file) == text.size();
  return std::fclose(file) == 0 && whole;
}

std::string joined(const std::vector<std::string>& lines) {
  std::string out;
  for (const std::string& line : lines) out += line + '\n';
  return out;
}

Status write_lab(uint64_t seed, const std::string& folder) {
  Random random(seed);
  const GeneratedLab generated = generate_lab(random);
  if (mkdir(folder.c_str(), 0755) != 0 || !write_file(folder + "/network", joined(generated.network)) ||
      !write_file(folder + "/sysctl.conf", joined(generated.sysctl)) ||
      !write_file(folder + "/timeouts", joined(generated.timeouts)) ||
      !write_file(folder + "/rules.v4", joined(generated.rules)))
    return error("cannot write " + folder);
  const Result<lab::Lab> lab = lab::read_lab(folder);
  if (!lab) return lab.error();
  Gateway gateway(GatewayOptions{});
  const auto any_link = [](std::string_view, bool) { return std::optional(LinkFacts{}); };
  if (Status s = gateway.configure(*lab, any_link); !s) return s;
  if (!write_file(folder + "/ours", gateway.iptables().save({.counters = true})))
    return error("cannot write " + folder);
  return {};
}

}  // namespace
}  // namespace nf::difftest

int main(int argc, char** argv) {
  if (argc != 4) {
    std::fprintf(stderr, "usage: write_labs FIRST COUNT FOLDER\n");
    return 2;
  }
  const uint64_t first = std::strtoull(argv[1], nullptr, 10), count = std::strtoull(argv[2], nullptr, 10);
  int failures = 0;
  for (uint64_t seed = first; seed < first + count; ++seed) {
    const nf::Status s = nf::difftest::write_lab(seed, std::string(argv[3]) + '/' + std::to_string(seed));
    if (s.ok()) continue;
    std::printf("seed %llu: %s\n", static_cast<unsigned long long>(seed), s.error().str().c_str());
    ++failures;
  }
  return failures == 0 ? 0 : 1;
}
