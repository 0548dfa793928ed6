#include "netns-tests/tcp_tracker/two_trackers.h"

#include <linux/netfilter/nfnetlink_conntrack.h>

#include <cerrno>

#include "datapath/base/text.h"
#include "tools/difftest/emitted_text.h"
#include "tools/difftest/side_by_side.h"

namespace nf::tcp_tracker {
namespace {

constexpr char kNetwork[] =
    "link set dev lan up\n"
    "link set dev wan up\n"
    "addr add 10.1.0.1/24 dev lan\n"
    "addr add 10.2.0.1/24 dev wan\n"
    "neigh add 10.1.0.2 lladdr 02:00:0a:01:00:02 dev lan nud permanent\n"
    "neigh add 10.2.0.9 lladdr 02:00:0a:02:00:09 dev wan nud permanent\n";
constexpr char kRules[] =
    "*mangle\n"
    ":PREROUTING ACCEPT [0:0]\n"
    ":INPUT ACCEPT [0:0]\n"
    ":FORWARD ACCEPT [0:0]\n"
    ":OUTPUT ACCEPT [0:0]\n"
    ":POSTROUTING ACCEPT [0:0]\n"
    "-A FORWARD -m conntrack --ctstate INVALID -j DSCP --set-dscp 1\n"
    "-A FORWARD -m conntrack --ctstate NEW -j DSCP --set-dscp 2\n"
    "-A FORWARD -m conntrack --ctstate ESTABLISHED -j DSCP --set-dscp 3\n"
    "-A FORWARD -m conntrack --ctstate RELATED -j DSCP --set-dscp 4\n"
    "COMMIT\n";
enum Port : int { kLan = 0, kWan = 1 };

// One text for both sides' entries.
std::string entry_text(const ct::Tuple& original, ct::TcpState state, uint32_t status, const unsigned (&flags)[2],
                       const unsigned (&scale)[2]) {
  return strf("%s:%u > %s:%u %s status %#x flags %#x/%#x scale %u/%u", format_ipv4(original.source).c_str(),
              original.source_id.host(), format_ipv4(original.destination).c_str(), original.destination_id.host(),
              ct::tcp_state_name(state), status, flags[0], flags[1], scale[0], scale[1]);
}

std::string with_seconds(const std::string& text, int64_t seconds) {
  return text.empty() ? "no entry" : text + strf(" timeout %lld", static_cast<long long>(seconds));
}

}  // namespace

Status TwoTrackers::configure(const std::string& sysctls) {
  lab::Lab lab;
  Result<std::vector<lab::NetworkLine>> network = lab::parse_network(kNetwork, "network");
  if (!network) return network.error();
  lab.network = network.take();
  Result<std::vector<lab::SysctlSetting>> settings =
      lab::parse_sysctl_conf("net.ipv4.ip_forward = 1\n" + sysctls, "sysctl.conf");
  if (!settings) return settings.error();
  lab.sysctl = settings.take();
  lab.rules = kRules;
  BackendConfig config;
  config.lab = &lab;
  if (Status s = kernel_.configure(config); !s) return s;
  Result<netns::NetlinkSocket> ask = netns::NetlinkSocket::open();
  if (!ask) return ask.error();
  ask_.emplace(ask.take());
  engine_ = std::make_unique<MemoryBackend>(difftest::SideBySide::last_tick());
  return engine_->configure(config);
}

Status TwoTrackers::flush() {
  if (Status s = kernel_.flush_conntrack(); !s) return s;
  if (Status s = engine_->flush_conntrack(); !s) return s;
  if (auto events = kernel_.take_events(); !events) return events.error();
  if (auto events = engine_->take_events(); !events) return events.error();
  return {};
}

Status TwoTrackers::tick() { return engine_->wait_until(difftest::SideBySide::last_tick()); }

Status TwoTrackers::give(bool from_server, std::span<const uint8_t> packet) {
  const int port = from_server ? kWan : kLan;
  const MacAddress& to = kernel_.ports()[static_cast<size_t>(port)].mac;
  frame_.assign(to.begin(), to.end());
  const uint8_t rest[] = {2, 0, 10, from_server ? uint8_t{2} : uint8_t{1}, 0, from_server ? uint8_t{9} : uint8_t{2},
                          8, 0};
  frame_.insert(frame_.end(), std::begin(rest), std::end(rest));
  frame_.insert(frame_.end(), packet.begin(), packet.end());
  if (Status s = kernel_.inject(port, frame_); !s) return s;
  return engine_->inject(port, frame_);
}

Result<TwoTrackers::Entry> TwoTrackers::kernel_entry(const ct::Tuple& tuple) {
  netns::Request request(NFNL_SUBSYS_CTNETLINK << 8 | IPCTNL_MSG_CT_GET, 0);
  netns::put_tuple(request, CTA_TUPLE_ORIG, tuple);
  Entry entry;
  const Result<int> code = ask_->transact(request, [&](const nlmsghdr& m) {
    netns::CtMessage message;
    if (!netns::decode(m, 0, message)) return;
    const ct::Connection& c = message.connection;
    const netns::Attributes info(netns::Attributes::of(m)[CTA_PROTOINFO]);
    const netns::Attributes tcp(info[CTA_PROTOINFO_TCP]);
    // struct nf_ct_tcp_flags: flags, mask
    entry.text = entry_text(c.original(), c.tcp.state, c.status,
                            {tcp[CTA_PROTOINFO_TCP_FLAGS_ORIGINAL].u8(), tcp[CTA_PROTOINFO_TCP_FLAGS_REPLY].u8()},
                            {tcp[CTA_PROTOINFO_TCP_WSCALE_ORIGINAL].u8(), tcp[CTA_PROTOINFO_TCP_WSCALE_REPLY].u8()});
    entry.state = c.tcp.state;
    entry.seconds = c.expires / kSecond;
  });
  if (!code) return code.error();
  if (*code < 0 && *code != -ENOENT) return error(strf("conntrack entry: error %d", -*code));
  return entry;
}

TwoTrackers::Entry TwoTrackers::engine_entry(const ct::Tuple& tuple) {
  CtDirection direction;
  const ct::Connection* c = engine_->gateway().conntrack().find(tuple, direction, engine_->now());
  if (c == nullptr) return {};
  const ct::TcpEnd(&seen)[2] = c->tcp.seen;
  return {entry_text(c->original(), c->tcp.state, c->status, {seen[0].flags, seen[1].flags},
                     {seen[0].scale, seen[1].scale}),
          c->tcp.state, (c->expires - engine_->now()) / kSecond};
}

Result<std::optional<difftest::Difference>> TwoTrackers::compare(const ct::Tuple& tuple) {
  kernel_out_.clear();
  engine_out_.clear();
  if (Status s = kernel_.collect(kernel_out_); !s) return s.error();
  if (Status s = engine_->collect(engine_out_); !s) return s.error();
  Result<std::vector<std::string>> events = kernel_.take_events(), engine_events = engine_->take_events();
  if (!events) return events.error();
  if (!engine_events) return engine_events.error();
  Result<Entry> kernel = kernel_entry(tuple);
  if (!kernel) return kernel.error();
  kernel_entry_ = kernel.take();
  const Entry engine = engine_entry(tuple);

  std::optional<difftest::Difference> out;
  if (!difftest::same_emitted(kernel_out_, engine_out_, {}, excuses_)) {
    out.emplace(difftest::emitted_text(kernel_.ports(), kernel_out_),
                difftest::emitted_text(kernel_.ports(), engine_out_));
  } else if (auto differ = difftest::compare_events(*events, *engine_events)) {
    out = std::move(differ);
  } else if (kernel_entry_.text != engine.text || std::abs(kernel_entry_.seconds - engine.seconds) > 1) {
    out.emplace(with_seconds(kernel_entry_.text, kernel_entry_.seconds), with_seconds(engine.text, engine.seconds));
  }
  return out;
}

}  // namespace nf::tcp_tracker
