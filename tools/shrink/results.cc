#include "tools/shrink/results.h"

#include <map>

#include "datapath/port/pcap_writer.h"
#include "tools/replay/output_folder.h"
#include "tools/scenario/play.h"
#include "tools/scenario/scenario.h"
#include "tools/shrink/kernel_script.h"
#include "tools/shrink/scenario_text.h"

namespace nf::shrink {
namespace {

std::string joined(const std::vector<std::string>& lines) {
  std::string out;
  for (const std::string& line : lines) (out += line) += '\n';
  return out;
}

Status write_lab(const std::string& path, const LabText& lab) {
  Result<OutputFolder> folder = OutputFolder::open(path);
  if (!folder) return folder.error();
  const auto write = [&](const char* name, const std::string& text) -> Status {
    return text.empty() ? Status() : folder->write(name, text);
  };
  if (Status s = folder->write("network", joined(lab.network)); !s) return s;
  if (Status s = write("sysctl.conf", joined(lab.sysctl)); !s) return s;
  if (Status s = write("timeouts", joined(lab.timeouts)); !s) return s;
  if (Status s = write("rules.v4", lab.rules); !s) return s;
  return folder->commit();
}

// Times are the gaps', from the second after the epoch on.
Status write_captures(OutputFolder& folder, const std::vector<Frame>& frames) {
  std::map<std::string, std::unique_ptr<PcapWriter>> writers;
  Time now = kSecond;
  for (const Frame& f : frames) {
    now += f.gap;
    auto& writer = writers[f.link];
    if (writer == nullptr) {
      Result<std::unique_ptr<PcapWriter>> opened = PcapWriter::open(folder.begin("shrunk-" + f.link + ".pcap"), {});
      if (!opened) return opened.error();
      writer = opened.take();
    }
    writer->write(now, f.bytes);
    now += kMicrosecond;  // the order between links
  }
  for (auto& [link, writer] : writers)
    if (Status s = writer->close(); !s) return s;
  return {};
}

}  // namespace

Result<Artifacts> artifacts_of(const Candidate& candidate, size_t side, const Condition& condition) {
  Artifacts out;
  out.lab = text_of(candidate.setup, side);
  Result<std::string> text = scenario_text(candidate, side, condition);
  if (!text) return text.error();
  out.scenario = text.take();
  Result<scenario::Scenario> parsed = scenario::parse_scenario(out.scenario, "shrunk.scn");
  if (!parsed) return parsed.error();
  const auto backend = make_memory_backend();
  const scenario::Outcome outcome = scenario::play(*parsed, *backend, {});
  if (outcome.code != ExitCode::kOk) return error("the scenario made does not pass: " + outcome.text + out.scenario);
  Result<std::string> script = kernel_script(candidate, side, condition.text);
  if (!script) return script.error();
  out.kernel_script = script.take();
  return out;
}

Status write_results(const std::string& path, const std::vector<Artifacts>& labs, const std::vector<Frame>& frames) {
  Result<OutputFolder> folder = OutputFolder::open(path);
  if (!folder) return folder.error();
  for (size_t side = 0; side < labs.size(); ++side) {
    const std::string suffix = side == 0 ? "" : "-b";
    if (Status s = folder->write("shrunk" + suffix + ".scn", labs[side].scenario); !s) return s;
    if (Status s = folder->write("kernel" + suffix + ".sh", labs[side].kernel_script); !s) return s;
  }
  if (Status s = write_captures(*folder, frames); !s) return s;
  if (Status s = folder->commit(); !s) return s;
  for (size_t side = 0; side < labs.size(); ++side)
    if (Status s = write_lab(path + (side == 0 ? "/lab" : "/lab-b"), labs[side].lab); !s) return s;
  return {};
}

}  // namespace nf::shrink
