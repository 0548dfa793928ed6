#include "tools/netns/network_batch.h"

#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <algorithm>
#include <cstring>

#include "datapath/base/text.h"
#include "tools/netns/fd.h"
#include "tools/netns/program.h"

namespace nf::netns {
namespace {

// What `link add` said of a link that is made otherwise.
std::string link_set(const std::string& name, const lab::LinkSettings& s) {
  std::string words;
  if (s.master) words += s.master->empty() ? " nomaster" : " master " + *s.master;
  if (s.address) {
    const MacAddress& m = *s.address;
    words += strf(" address %02x:%02x:%02x:%02x:%02x:%02x", m[0], m[1], m[2], m[3], m[4], m[5]);
  }
  if (s.mtu) words += strf(" mtu %u", *s.mtu);
  if (s.arp) words += *s.arp ? " arp on" : " arp off";
  if (s.up) words += *s.up ? " up" : " down";
  return words.empty() ? std::string() : "link set dev " + name + words;
}

struct Batch {
  std::string text;
  std::vector<size_t> origin{0};  // line number of the batch, from 1 -> index of the lab's line
  void add(std::string_view line, size_t i) {
    if (line.empty()) return;
    (text += line) += '\n';
    origin.push_back(i);
  }
};

// The devices whose carrier the lines may change, bridges behind their ports.
std::vector<std::string> devices_of(const std::vector<lab::NetworkLine>& lines) {
  std::vector<std::string> ports, bridges;
  const auto add = [](std::vector<std::string>& to, const std::string& name) {
    if (!name.empty() && std::find(to.begin(), to.end(), name) == to.end()) to.push_back(name);
  };
  for (const lab::NetworkLine& line : lines) {
    if (const auto* link = std::get_if<lab::LinkAdd>(&line.operation)) {
      add(link->kind == lab::LinkKind::kBridge ? bridges : ports, link->name);
      if (link->settings.master) add(bridges, *link->settings.master);
    } else if (const auto* set = std::get_if<lab::LinkSet>(&line.operation)) {
      add(ports, set->device);
      if (set->settings.master) add(bridges, *set->settings.master);
    }
  }
  ports.insert(ports.end(), bridges.begin(), bridges.end());
  return ports;
}

// The kernel takes note of a carrier some time later (linkwatch), and drops meanwhile what is sent by the device, a
// bridge's ports first and then the bridge. Who asks for the link state is told when that is done.
// twin: ethtool_op_get_link
void settle_carriers(const std::vector<lab::NetworkLine>& lines) {
  const Fd socket_fd(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  for (const std::string& name : devices_of(lines)) {
    ethtool_value link{};
    link.cmd = ETHTOOL_GLINK;
    ifreq request{};
    if (name.size() >= sizeof request.ifr_name) continue;
    std::memcpy(request.ifr_name, name.c_str(), name.size() + 1);
    request.ifr_data = reinterpret_cast<char*>(&link);
    (void)ioctl(socket_fd.get(), SIOCETHTOOL, &request);  // a device that is gone again has no carrier
  }
}

}  // namespace

Status apply_network_lines(const std::vector<lab::NetworkLine>& lines, const std::string& file) {
  Batch batch;
  for (size_t i = 0; i < lines.size(); ++i) {
    const auto* link = std::get_if<lab::LinkAdd>(&lines[i].operation);
    if (link != nullptr && link->kind != lab::LinkKind::kBridge) {
      batch.add(link_set(link->name, link->settings), i);
      if (!link->peer.empty()) batch.add(link_set(link->peer, link->peer_settings), i);
      continue;
    }
    std::string_view text = trim(lines[i].text);
    if (text.starts_with("ip ") || text.starts_with("ip\t")) text = trim(text.substr(3));
    batch.add(text, i);
    if (link != nullptr) batch.add("link set dev " + link->name + " type bridge mcast_snooping 0", i);
  }
  if (batch.text.empty()) return {};
  Result<ProgramResult> done = run_program({"ip", "-batch", "-"}, batch.text);
  if (!done) return done.error();
  if (done->status == 0) {
    settle_carriers(lines);
    return {};
  }

  // "RTNETLINK answers: File exists\nCommand failed -:3\n"; some refusals name no line.
  const std::string message(trim(std::string_view(done->errors).substr(0, done->errors.find('\n'))));
  constexpr std::string_view kFailed = "Command failed -:";
  const size_t at = done->errors.find(kFailed);
  if (at == std::string::npos) return error_at(file, 0, message);
  const std::string_view rest = std::string_view(done->errors).substr(at + kFailed.size());
  const auto number = parse_number(trim(rest.substr(0, rest.find('\n'))));
  if (!number || *number >= batch.origin.size()) return error_at(file, 0, message);
  const lab::NetworkLine& line = lines[batch.origin[*number]];
  return error_at(file, line.line, message + " (" + line.text + ")");
}

}  // namespace nf::netns
