#include "tools/difftest/scenario_writer.h"

#include <algorithm>
#include <set>

#include "datapath/base/text.h"
#include "tools/scenario/packet_text.h"

namespace nf::difftest {
namespace {

using scenario::Field;
using scenario::Layer;
using scenario::PacketSpec;
using scenario::Value;

class Writer {
 public:
  Writer(const Case& c, const Recording& recording, const Mismatch& mismatch)
      : case_(c),
        recording_(recording),
        mismatch_(mismatch),
        random_(recording.random_ports.begin(), recording.random_ports.end()) {}

  std::string write() {
    head();
    for (const Recording::Packet& p : recording_.packets) packet(p);
    if (mismatch_.field == "counters") counters();
    if (mismatch_.field == "entries") entries();
    if (mismatch_.field == "statistics") out_ += "stats " + mismatch_.kernel + "\n";
    return std::move(out_);
  }

 private:
  void head() {
    out_ += strf("# The kernel and the engine disagree about %s. hookpoint certify --seed %llu --labs 1\n",
                 mismatch_.field.c_str(), static_cast<unsigned long long>(case_.seed));
    for (const std::string_view line : split(mismatch_.engine, '\n'))
      if (!line.empty()) (out_ += "#   the engine: ") += std::string(line) + "\n";
    const auto block = [this](const char* name, const std::vector<std::string>& lines, const char* indent) {
      if (lines.empty()) return;
      (out_ += name) += " {\n";
      for (const std::string& line : lines) ((out_ += indent) += line) += '\n';
      out_ += "}\n";
    };
    block("network", case_.lab.network, "  ");
    block("sysctl", case_.lab.sysctl, "  ");
    block("timeouts", case_.lab.timeouts, "  ");
    block("rules", case_.lab.rules, "");
    if (!case_.lab.process_ports.empty()) {
      std::string ports;
      for (const uint16_t port : case_.lab.process_ports) ports += strf(" %u", port);
      out_ += "process tcp" + ports + "\nprocess udp" + ports + "\n";
    }
  }

  void packet(const Recording::Packet& p) {
    out_ += '\n';
    if (p.step < case_.steps.size() && !case_.steps[p.step].note.empty())
      (out_ += "# ") += std::string(case_.steps[p.step].note) + "\n";
    const bool local = p.port == kLocalProcesses;
    out_ += local ? "host " : "in " + recording_.ports[static_cast<size_t>(p.port)].name + " ";
    PacketSpec spec = scenario::describe_packet(p.bytes, local ? Layer::kIp : Layer::kEthernet);
    const std::optional<Value> id = spec[Field::kIpId];
    name_random(spec, false);
    drop_usual(spec);
    out_ += scenario::print_packet(spec) + "\n";

    for (const Emitted& e : p.emitted) {
      const bool delivered = e.port == kLocalProcesses;
      out_ += delivered ? "deliver " : "out " + recording_.ports[static_cast<size_t>(e.port)].name + " ";
      PacketSpec seen = scenario::describe_packet(e.bytes, delivered ? Layer::kIp : Layer::kEthernet);
      // The host's own answers have an id of their own.
      if (seen.form == scenario::Form::kIcmp && id && seen[Field::kIpId] && !(*seen[Field::kIpId] == *id))
        seen[Field::kIpId].reset();
      if (p.step != mismatch_.step) seen.mac_source.reset(), seen.mac_destination.reset();
      name_random(seen, true);
      drop_usual(seen);
      out_ += scenario::print_packet(seen) + "\n";
    }
    if (mismatch_.field == "events")
      for (const std::string& event : p.events) out_ += "event " + event + "\n";
    if (mismatch_.field == "path") paths(p);
  }

  // Without the ends of chains and the devices: the path may be what both say.
  void paths(const Recording::Packet& p) {
    if (p.paths.empty()) out_ += "path none\n";
    for (const RulePath& path : p.paths) {
      out_ += "path";
      for (const std::string& step : path) (out_ += ' ') += step;
      out_ += '\n';
    }
  }

  static void drop_usual(PacketSpec& spec) {
    const auto drop = [&spec](Field field, uint32_t usual) {
      if (spec[field] && *spec[field] == Value::of(usual)) spec[field].reset();
    };
    drop(Field::kUrgent, 0);
  }

  // Numbers the kernel chose at random become variables, bound by the first packet that shows them.
  void name_random(PacketSpec& spec, bool shown) {
    if (random_.empty()) return;
    name(spec.source_port, shown, 1);
    name(spec.destination_port, shown, 1);
    name(spec[Field::kIcmpId], shown, 0);
    if (spec.quote == nullptr) return;
    auto quote = std::make_shared<PacketSpec>(*spec.quote);
    name_random(*quote, shown);
    spec.quote = std::move(quote);
  }
  void name(std::optional<Value>& value, bool shown, uint32_t lowest) {
    if (!value || !value->plain() || !random_.contains(static_cast<uint16_t>(value->low))) return;
    const uint32_t number = value->low;
    const bool known = named_.contains(number);
    if (!known && !shown) return;
    value->variable = strf("n%u", number);
    value->low = known ? 0 : lowest;
    value->high = known ? UINT32_MAX : 65535;
    named_.insert(number);
  }

  // Those the two sides disagree on.
  void counters() {
    out_ += '\n';
    for (const RuleCounter& c : recording_.counters) {
      const std::string at =
          c.table + ":" + c.chain + ":" + (c.number == 0 ? std::string("policy") : strf("%u", c.number)) + " ";
      if (("\n" + mismatch_.kernel).find("\n" + at) == std::string::npos) continue;
      out_ += "counter " + at +
              strf("%llu %llu\n", static_cast<unsigned long long>(c.packets), static_cast<unsigned long long>(c.bytes));
    }
  }

  void entries() {
    out_ += strf("\nentries %zu\n", recording_.entries.size());
    for (const std::string& entry : recording_.entries) out_ += "entry " + entry + "\n";
  }

  const Case& case_;
  const Recording& recording_;
  const Mismatch& mismatch_;
  std::set<uint16_t> random_;
  std::set<uint32_t> named_;
  std::string out_;
};

}  // namespace

std::string scenario_text(const Case& c, const Recording& recording, const Mismatch& mismatch) {
  return Writer(c, recording, mismatch).write();
}

}  // namespace nf::difftest
