#include "tools/capture/capture_merge.h"

#include <sys/stat.h>

#include <algorithm>
#include <map>
#include <utility>

namespace nf {
namespace {

// What a packet takes in a pcap file besides its bytes; in pcapng a little more.
constexpr uint64_t kPacketHeader = 16;

// Bytes of a regular file; 0 for anything else.
uint64_t file_size(const std::string& path) {
  struct stat st;
  return ::stat(path.c_str(), &st) == 0 && S_ISREG(st.st_mode) ? static_cast<uint64_t>(st.st_size) : 0;
}

// Whether a packet of interface block `of` is `interface`'s: all are when the file names no such interface.
bool is_of(const std::vector<CaptureInterface>& interfaces, size_t of, const std::string& interface) {
  const bool named =
      std::any_of(interfaces.begin(), interfaces.end(), [&](const CaptureInterface& i) { return i.name == interface; });
  return !named || (of < interfaces.size() && interfaces[of].name == interface);
}

}  // namespace

Result<std::unique_ptr<CaptureMerge>> CaptureMerge::open(
    const std::vector<std::pair<std::string, std::string>>& inputs) {
  auto merge = std::make_unique<CaptureMerge>();
  bool sizes_known = true;
  for (const auto& [interface, file] : inputs) {
    Result<std::unique_ptr<PcapReader>> reader = PcapReader::open(file);
    if (!reader) return reader.error();
    merge->sources_.push_back(Source{interface, reader.take(), nullptr, false});
    const uint64_t size = file_size(file);
    sizes_known = sizes_known && size != 0;
    merge->total_bytes_ += size;
  }
  if (!sizes_known) merge->total_bytes_ = 0;
  return merge;
}

Status CaptureMerge::fill(Source& s) {
  while (s.head == nullptr && !s.ended) {
    Result<const CapturedPacket*> packet = s.reader->next();
    if (!packet) return packet.error();
    if (*packet == nullptr) {
      s.ended = true;
      break;
    }
    bytes_read_ += kPacketHeader + (*packet)->bytes.size();
    if (is_of(s.reader->interfaces(), (*packet)->interface, s.interface)) s.head = *packet;
  }
  return {};
}

Result<CaptureMerge::Item> CaptureMerge::next() {
  size_t best = sources_.size();
  for (size_t i = 0; i < sources_.size(); ++i) {
    if (Status s = fill(sources_[i]); !s) return s.error();
    if (sources_[i].head == nullptr) continue;
    if (best == sources_.size() || sources_[i].head->time < sources_[best].head->time) best = i;
  }
  if (best == sources_.size()) return Item{best, nullptr};
  // The reader keeps the bytes until it is asked again, which fill() does at the next call.
  return Item{best, std::exchange(sources_[best].head, nullptr)};
}

bool CaptureMerge::nanoseconds() const {
  return std::any_of(sources_.begin(), sources_.end(), [](const Source& s) { return s.reader->nanoseconds(); });
}

namespace {

constexpr size_t kFrames = 1000;

// Calls visit(Ethernet header, IPv4 header) when the packet is IPv4 in Ethernet.
template <class Visit>
void visit_frame(const CapturedPacket& packet, Visit& visit) {
  if (packet.link != LinkType::kEthernet) return;
  const EthernetHeader* eth = view<EthernetHeader>(packet.bytes);
  const Ipv4Header* ip = view<Ipv4Header>(packet.bytes, sizeof(EthernetHeader));
  if (eth != nullptr && eth->type.host() == kEtherIpv4 && ip != nullptr) visit(*eth, *ip);
}

// Of the first of a capture.
template <class Visit>
void visit_first_frames(const std::string& interface, const std::string& file, Visit& visit) {
  if (file_size(file) == 0) return;
  Result<std::unique_ptr<PcapReader>> reader = PcapReader::open(file);
  if (!reader) return;  // said when the file is opened to be replayed
  for (size_t i = 0; i < kFrames; ++i) {
    const Result<const CapturedPacket*> packet = (*reader)->next();
    if (!packet || *packet == nullptr) return;
    if (is_of((*reader)->interfaces(), (*packet)->interface, interface)) visit_frame(**packet, visit);
  }
}
template <class Visit>
void visit_first_frames(std::span<const CapturedPacket> packets, Visit& visit) {
  for (const CapturedPacket& packet : packets.first(std::min(packets.size(), kFrames))) visit_frame(packet, visit);
}

// The address that is an end of most frames; of several the one that was it first.
struct OwnAddress {
  void operator()(const EthernetHeader& eth, const Ipv4Header&) {
    count(eth.destination);
    count(eth.source);
  }
  void count(const MacAddress& mac) {
    if (is_multicast(mac)) return;
    const int n = ++ends[mac];
    if (!best || n > ends[*best]) best = mac;
  }
  std::map<MacAddress, int> ends;
  std::optional<MacAddress> best;
};

struct Stations {
  void operator()(const EthernetHeader& eth, const Ipv4Header& ip) {
    const bool known = std::any_of(all.begin(), all.end(), [&](const Station& s) { return s.address == ip.source; });
    if (!known && !is_multicast(eth.source)) all.push_back({ip.source, eth.source});
  }
  std::vector<Station> all;
};

}  // namespace

std::optional<MacAddress> likely_own_address(const std::string& interface, const std::string& file) {
  OwnAddress own;
  visit_first_frames(interface, file, own);
  return own.best;
}

std::optional<MacAddress> likely_own_address(std::span<const CapturedPacket> packets) {
  OwnAddress own;
  visit_first_frames(packets, own);
  return own.best;
}

std::vector<Station> first_stations(const std::string& interface, const std::string& file) {
  Stations stations;
  visit_first_frames(interface, file, stations);
  return std::move(stations.all);
}

std::vector<Station> first_stations(std::span<const CapturedPacket> packets) {
  Stations stations;
  visit_first_frames(packets, stations);
  return std::move(stations.all);
}

}  // namespace nf
