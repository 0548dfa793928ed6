#include "datapath/port/pcap_reader.h"

#include <pcap/pcap.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <optional>
#include <utility>

#include "datapath/base/text.h"
#include "datapath/port/pcapng_reader.h"

namespace nf {
namespace {

// pcap_datalink() gives DLT_* numbers of this machine, which differ from the file's for raw IP.
std::optional<LinkType> from_dlt(int dlt) {
  switch (dlt) {
    case DLT_RAW:
      return LinkType::kRaw;
    case DLT_NULL:
    case DLT_EN10MB:
    case DLT_LOOP:
    case DLT_LINUX_SLL:
    case DLT_IPV4:
    case DLT_IPV6:
    case DLT_LINUX_SLL2:
      return static_cast<LinkType>(dlt);
    default:
      return std::nullopt;
  }
}

class ClassicReader final : public PcapReader {
 public:
  explicit ClassicReader(std::string path) : PcapReader(std::move(path)) {}
  ~ClassicReader() override {
    if (pcap_ != nullptr) pcap_close(pcap_);
  }

  // Takes the file, also when it fails.
  Status open(FILE* file) {
    char text[PCAP_ERRBUF_SIZE] = "";
    pcap_ = pcap_fopen_offline_with_tstamp_precision(file, PCAP_TSTAMP_PRECISION_NANO, text);
    if (pcap_ == nullptr) {
      std::fclose(file);
      return error_at(path_, 0, text);
    }
    const std::optional<LinkType> link = from_dlt(pcap_datalink(pcap_));
    if (!link) {
      const char* name = pcap_datalink_val_to_name(pcap_datalink(pcap_));
      return error_at(path_, 0,
                      strf("link type %s (%d) is not supported", name == nullptr ? "?" : name, pcap_datalink(pcap_)));
    }
    interfaces_.push_back({"", *link, static_cast<uint32_t>(pcap_snapshot(pcap_))});
    packet_.link = *link;
    return {};
  }

  Result<const CapturedPacket*> next() override {
    if (failed_) return *failed_;
    if (ended_) return nullptr;
    pcap_pkthdr* header = nullptr;
    const u_char* bytes = nullptr;
    const int got = pcap_next_ex(pcap_, &header, &bytes);
    if (got == PCAP_ERROR_BREAK) {
      ended_ = true;
      return nullptr;
    }
    if (got != 1) {
      failed_ = at_packet(packet_.number + 1, pcap_geterr(pcap_));
      return *failed_;
    }
    ++packet_.number;
    // With nanosecond precision tv_usec counts nanoseconds.
    packet_.time = int64_t{header->ts.tv_sec} * kSecond + int64_t{header->ts.tv_usec};
    packet_.original_length = header->len;
    packet_.bytes = {bytes, header->caplen};
    return &packet_;
  }

  void set_nanoseconds(bool v) { nanoseconds_ = v; }

 private:
  pcap_t* pcap_ = nullptr;
  CapturedPacket packet_;
  std::optional<Error> failed_;
  bool ended_ = false;
};

}  // namespace

Error PcapReader::at_packet(uint64_t number, const std::string& text) const {
  return error_at(path_, 0, strf("packet %llu: %s", static_cast<unsigned long long>(number), text.c_str()));
}

Result<std::unique_ptr<PcapReader>> PcapReader::open(const std::string& path) {
  FILE* file = path == "-" ? fdopen(dup(0), "rb") : std::fopen(path.c_str(), "rbe");
  if (file == nullptr) return error_at(path, 0, std::strerror(errno));
  uint8_t magic[4];
  const size_t got = std::fread(magic, 1, sizeof magic, file);
  if (got < sizeof magic) {
    const bool broken = std::ferror(file) != 0;
    const int reason = errno;
    std::fclose(file);
    return error_at(path, 0, broken ? std::strerror(reason) : "the file is too short to be a capture");
  }
  // What was just read can be put back whole (glibc), also in front of a pipe.
  for (size_t i = sizeof magic; i > 0; --i) std::ungetc(magic[i - 1], file);

  constexpr uint8_t kSectionHeader[4] = {0x0a, 0x0d, 0x0d, 0x0a};
  if (std::memcmp(magic, kSectionHeader, sizeof magic) == 0) return PcapngReader::open(path, file);

  constexpr uint8_t kNanoMagic[2][4] = {{0xa1, 0xb2, 0x3c, 0x4d}, {0x4d, 0x3c, 0xb2, 0xa1}};
  auto reader = std::make_unique<ClassicReader>(path);
  if (Status s = reader->open(file); !s) return s.error();
  reader->set_nanoseconds(std::memcmp(magic, kNanoMagic[0], 4) == 0 || std::memcmp(magic, kNanoMagic[1], 4) == 0);
  return std::unique_ptr<PcapReader>(std::move(reader));
}

}  // namespace nf
