#include "tools/shrink/scenario_text.h"

#include <set>
#include <utility>

#include "datapath/base/text.h"
#include "tools/backend/station.h"
#include "tools/scenario/packet_describe.h"

namespace nf::shrink {
namespace {

using scenario::Field;
using scenario::Layer;
using scenario::PacketSpec;

class Writer {
 public:
  Writer(const Candidate& candidate, size_t side, const Condition& condition)
      : candidate_(candidate), side_(side), condition_(condition), text_(text_of(candidate.setup, side)) {}

  Result<std::string> write() {
    const Result<lab::Lab> lab = parse(text_);
    if (!lab) return lab.error();
    Machine machine({.told = false, .detailed = false, .events = condition_.uses(What::kEvent), .paths = true});
    if (Status s = machine.configure(*lab); !s) return s.error();
    Machine teller({.told = true, .detailed = true, .events = false, .paths = false});
    if (Status s = teller.configure(*lab); !s) return s.error();
    machine_ = &machine;
    head();
    for (const Frame& frame : candidate_.frames) {
      const Result<Seen> seen = machine.play(frame);
      if (!seen) return seen.error();
      const Result<Seen> told = teller.play(frame);
      if (!told) return told.error();
      packet(frame, *seen, *told);
    }
    if (Status s = counters(); !s) return s.error();
    return std::move(out_);
  }

 private:
  void head() {
    // The first comment is the title.
    out_ += "# " + condition_.text + (side_ == 1 ? " (the other lab)" : "") + '\n';
    out_ += "# Made small by `hookpoint shrink`; packet numbers are those of the captures.\n";
    const auto block = [this](const char* name, const std::vector<std::string>& lines) {
      if (lines.empty()) return;
      (out_ += name) += " {\n";
      for (const std::string& line : lines) (out_ += "  " + line) += '\n';
      out_ += "}\n";
    };
    block("network", text_.network);
    block("sysctl", text_.sysctl);
    block("timeouts", text_.timeouts);
    if (!text_.rules.empty()) out_ += "rules {\n" + text_.rules + "}\n";
  }

  void packet(const Frame& frame, const Seen& seen, const Seen& told) {
    out_ += strf("\n# packet %llu\n", static_cast<unsigned long long>(frame.number));
    if (frame.gap > 0) {
      out_ += strf("wait %lldms\n", static_cast<long long>(frame.gap / kMillisecond));
      came(seen.meanwhile, told.meanwhile, std::nullopt);
    }
    PacketSpec in = scenario::describe_packet(frame.bytes, Layer::kEthernet);
    const std::optional<scenario::Value> id = in[Field::kIpId];
    leave_out_usual_addresses(in, frame.link);
    out_ += "in " + frame.link + ' ' + scenario::print_packet(scenario::without_defaults(in)) + '\n';
    came(seen.own, told.own, id);
    if (seen.own.emitted.empty()) out_ += "nothing\n";
  }

  // `id`: the IP id of the packet that went in; none: of what comes out all ids are the host's.
  void came(const Came& seen, const Came& told, const std::optional<scenario::Value>& id) {
    for (const Emitted& e : seen.emitted) {
      const bool delivered = e.port == kLocalProcesses;
      PacketSpec spec = scenario::describe_packet(e.bytes, delivered ? Layer::kIp : Layer::kEthernet);
      if (!(spec[Field::kIpId] == id)) spec[Field::kIpId].reset();
      spec.mac_source.reset();
      spec.mac_destination.reset();
      if (spec[Field::kUrgent] == scenario::Value::of(0)) spec[Field::kUrgent].reset();
      out_ += delivered ? "deliver " : "out " + machine_->ports()[static_cast<size_t>(e.port)].name + ' ';
      out_ += scenario::print_packet(spec) + '\n';
    }
    paths(seen, told.happened.empty());
    std::set<std::string> keys;
    for (const Term& t : condition_.terms)
      if (t.what == What::kWhy && !t.no_packet && !t.does_not && tells(told.happened, t.argument))
        keys.insert(t.argument);
    for (const std::string& key : keys) out_ += "why " + key + '\n';
    for (const std::string& event : seen.events) out_ += "event " + std::string(trim(event)) + '\n';
    for (const std::string& line : seen.log) log(line, id);
  }

  void log(std::string_view line, const std::optional<scenario::Value>& id) {
    out_ += "log";
    std::string_view before;
    for (const std::string_view word : split_words(line)) {
      const bool is_id = std::exchange(before, word).starts_with("TTL=") && word.starts_with("ID=");  // not ICMP's
      const auto number = is_id ? parse_number(word.substr(3), UINT16_MAX) : std::nullopt;
      const bool open = number && !(id && *id == scenario::Value::of(static_cast<uint32_t>(*number)));
      (out_ += ' ') += open ? "ID={0-65535}" : word;
    }
    out_ += '\n';
  }

  void leave_out_usual_addresses(PacketSpec& spec, const std::string& link) const {
    const std::vector<BackendPort>& ports = machine_->ports();
    for (size_t port = 0; port < ports.size() && spec.source && spec.destination; ++port) {
      if (ports[port].name != link) continue;
      const MacAddress usual = machine_->surroundings().destination_mac(static_cast<int>(port), spec.destination->low);
      if (spec.mac_source != station_mac(be32(spec.source->low)) || spec.mac_destination != usual) return;
      spec.mac_source.reset();
      spec.mac_destination.reset();
    }
  }

  // `idle`: time passed, and nothing happened.
  void paths(const Came& seen, bool idle) {
    if (text_.rules.empty() || idle) return;
    if (seen.paths.empty()) out_ += "path none\n";
    for (const RulePath& path : seen.paths) {
      out_ += "path";
      for (const std::string& step : path) (out_ += ' ') += step;
      out_ += '\n';
    }
  }

  // Where the condition is about rules: those of all that were hit.
  Status counters() {
    if (!condition_.uses(What::kRule) || side_ == 1) return {};
    const Result<std::vector<RuleCounter>> counters = machine_->backend().counters();
    if (!counters) return counters.error();
    out_ += '\n';
    for (const RuleCounter& c : *counters)
      if (c.packets > 0 && c.number != 0)
        out_ += "counter " + c.table + ':' + c.chain +
                strf(":%u %llu\n", c.number, static_cast<unsigned long long>(c.packets));
    return {};
  }

  const Candidate& candidate_;
  size_t side_;
  const Condition& condition_;
  LabText text_;
  Machine* machine_ = nullptr;
  std::string out_;
};

}  // namespace

Result<std::string> scenario_text(const Candidate& candidate, size_t side, const Condition& condition) {
  return Writer(candidate, side, condition).write();
}

}  // namespace nf::shrink
