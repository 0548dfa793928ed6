#include "tools/difftest/capture_judge.h"

#include <algorithm>
#include <map>

#include "datapath/base/text.h"
#include "tools/backend/kernel_backend.h"
#include "tools/capture/capture_merge.h"
#include "tools/capture/captured_frame.h"
#include "tools/difftest/worker.h"

namespace nf::difftest {
namespace {

constexpr uint64_t kTablesEvery = 1000;  // packets

class CaptureRun {
 public:
  CaptureRun(const CertifyOptions& options, Certificate& certificate) : options_(options), certificate_(certificate) {}

  Status run() {
    Result<lab::Lab> lab = lab::read_lab(options_.lab);
    if (!lab) return lab.error();
    Result<std::unique_ptr<CaptureMerge>> merge = CaptureMerge::open(options_.inputs);
    if (!merge) return merge.error();
    give_addresses(*lab);
    BackendConfig config;
    config.lab = &*lab;
    std::string engine_only;
    for (const std::string& line : options_.engine_sysctl) (engine_only += line) += '\n';
    Result<std::vector<lab::SysctlSetting>> settings = lab::parse_sysctl_conf(engine_only, "engine only");
    if (!settings) return settings.error();
    if (Status s = both_.configure(config, *settings); !s) return s;
    for (const auto& [interface, file] : options_.inputs) {
      Result<int> port = port_named(interface);
      if (!port) return error("--in " + interface + "=" + file + ": " + port.error().text);
      inputs_.push_back(*port);
      for (const nf::Station& s : first_stations(interface, file)) known_.emplace(s.address.host(), s.mac);
    }
    both_.answer_arp([this](const Emitted& e) { return arp_reply(e); });
    const int64_t begin = monotonic_now();
    if (Status s = feed(**merge); !s) return s;
    certificate_.seconds = static_cast<double>(monotonic_now() - begin) / 1e9;
    RunResult result;
    result.packets = both_.packets();
    result.frames = both_.frames();
    result.events = both_.events();
    result.tables_compared = both_.tables();
    result.paths = both_.paths();
    result.path_steps = both_.steps();
    result.ports_followed = both_.follower().followed();
    result.expectations = both_.engine_statistics().expect_create;
    result.expected = both_.engine_statistics().expect_new;
    result.excused = both_.excuses();
    result.cut_short = both_.follower().unseen();
    if (lab->rules)
      for (const std::string_view line : split(*lab->rules, '\n')) result.rules += trim(line).starts_with("-A ");
    certificate_.add(result);
    return {};
  }
  bool ticked() const { return both_.ticked(); }

 private:
  Result<int> port_named(const std::string& name) const {
    const auto& ports = both_.ports();
    for (size_t i = 0; i < ports.size(); ++i)
      if (ports[i].name == name) return static_cast<int>(i);
    return error("the lab has no such link");
  }

  // Links to which the lab gives no address have the one their capture was most likely taken at.
  void give_addresses(lab::Lab& lab) const {
    for (const auto& [interface, file] : options_.inputs) {
      const bool given = std::any_of(lab.network.begin(), lab.network.end(), [&name = interface](const auto& line) {
        const auto* set = std::get_if<lab::LinkSet>(&line.operation);
        return set != nullptr && set->device == name && set->settings.address;
      });
      const std::optional<MacAddress> mac = given ? std::nullopt : likely_own_address(interface, file);
      if (!mac || is_multicast(*mac)) continue;
      lab::LinkSet set;
      set.device = interface;
      set.settings.address = *mac;
      const std::string text = strf("link set dev %s address %02x:%02x:%02x:%02x:%02x:%02x", interface.c_str(),
                                    (*mac)[0], (*mac)[1], (*mac)[2], (*mac)[3], (*mac)[4], (*mac)[5]);
      lab.network.insert(lab.network.begin(), lab::NetworkLine{set, 0, text});
    }
  }

  std::optional<Wire::Frame> arp_reply(const Emitted& request) const {
    const ArpHeader* arp = arp_request(request.bytes);
    if (arp == nullptr) return std::nullopt;
    const auto known = known_.find(arp->target_ip.host());
    auto answer = arp_answer(*arp, known != known_.end() ? known->second : station_mac(arp->target_ip));
    if (!answer) return std::nullopt;
    return Wire::Frame{request.port, std::move(*answer)};
  }

  Status feed(CaptureMerge& merge) {
    for (uint64_t number = 1;; ++number) {
      Result<CaptureMerge::Item> item = merge.next();
      if (!item) return item.error();
      if (item->packet == nullptr) break;
      const int port = inputs_[item->input];
      Device dev;
      dev.kind = DeviceKind::kEthernet;
      dev.mac = both_.ports()[static_cast<size_t>(port)].mac;
      const CapturedFrame frame = captured_frame(*item->packet, dev, pool_);
      if (frame.packet == nullptr || frame.packet->gso != GsoType::kNone) {
        ++left_out_;
        continue;
      }
      Result<std::optional<Disagreement>> differ = both_.play(port, frame.packet->bytes());
      if (!differ) return differ.error();
      if (!*differ && number % kTablesEvery == 0) differ = both_.compare_all_tables();
      if (!differ) return differ.error();
      if (both_.follower().unseen()) return {};
      if (*differ) {
        const auto& [interface, file] = options_.inputs[item->input];
        return found(strf("packet %llu of %s (%s)", static_cast<unsigned long long>(item->packet->number), file.c_str(),
                          interface.c_str()),
                     **differ);
      }
    }
    if (left_out_ > 0)
      certificate_.left_out.push_back(
          strf("%llu packets of the captures: sent by the link itself, no IPv4 without link header, super-packets",
               static_cast<unsigned long long>(left_out_)));
    Result<std::optional<Disagreement>> differ = both_.compare_all_tables();
    if (!differ) return differ.error();
    return *differ ? found("the end", **differ) : Status();
  }

  Status found(std::string where, const Disagreement& d) {
    certificate_.findings.push_back(Finding{std::move(where), {0, d.field, d.sides.first, d.sides.second}, {}});
    return {};
  }

  const CertifyOptions& options_;
  Certificate& certificate_;
  PacketPool pool_;
  KernelBackend kernel_;
  SideBySide both_{kernel_, reply_of(kernel_), options_.paths ? trace_of(kernel_) : nullptr};
  std::vector<int> inputs_;               // port of each input
  std::map<uint32_t, MacAddress> known_;  // stations of the captures, by address
  uint64_t left_out_ = 0;
};

}  // namespace

Status judge_captures(const CertifyOptions& options, Certificate& certificate) {
  for (uint64_t again = 0;; ++again) {
    Certificate attempt = certificate;
    CaptureRun run(options, attempt);
    if (Status s = run.run(); !s) return s;
    attempt.totals.played_again = again;
    if (!attempt.findings.empty() && run.ticked() && again < kRunsOnTicks) continue;
    certificate = std::move(attempt);
    return {};
  }
}

}  // namespace nf::difftest
