// Fuzz target: any bytes as a capture file, pcap or pcapng, every packet of it decoded.
// Held to be true: packets are numbered from 1; an error has words, ends the file and is repeated; what decodes is a
// packet as a port gives it.
#include <sys/mman.h>
#include <unistd.h>

#include <cstring>
#include <string>

#include "datapath/port/pcap_reader.h"
#include "tools/fuzz/require.h"

using namespace nf;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const int fd = ::memfd_create("capture", MFD_CLOEXEC);
  FUZZ_REQUIRE(fd >= 0, "memfd_create: %s", std::strerror(errno));
  FUZZ_REQUIRE(::write(fd, data, size) == static_cast<ssize_t>(size), "write: %s", std::strerror(errno));
  const std::string path = "/proc/self/fd/" + std::to_string(fd);
  {
    Result<std::unique_ptr<PcapReader>> reader = PcapReader::open(path);
    if (!reader) {
      FUZZ_REQUIRE(!reader.error().str().empty(), "refused without a reason");
    } else {
      PacketPool pool;
      for (uint64_t number = 1;; ++number) {
        const Result<const CapturedPacket*> packet = (*reader)->next();
        if (!packet) {
          const std::string said = packet.error().str();
          FUZZ_REQUIRE(!said.empty(), "an error without words");
          const Result<const CapturedPacket*> again = (*reader)->next();
          FUZZ_REQUIRE(!again && again.error().str() == said, "the error is not repeated: %s", said.c_str());
          break;
        }
        if (*packet == nullptr) break;
        const CapturedPacket& p = **packet;
        FUZZ_REQUIRE(p.number == number, "packet %lu is numbered %lu", static_cast<unsigned long>(number),
                     static_cast<unsigned long>(p.number));
        FUZZ_REQUIRE(p.interface < (*reader)->interfaces().size(), "interface %u", p.interface);
        CaptureSkip why = CaptureSkip::kNone;
        const PacketPtr decoded = decode_capture(p, pool, why);
        FUZZ_REQUIRE((decoded == nullptr) == (why != CaptureSkip::kNone), "skip %d", static_cast<int>(why));
        if (decoded != nullptr && p.link == LinkType::kEthernet)
          FUZZ_REQUIRE(decoded->length() == p.bytes.size(), "%u bytes of %zu", decoded->length(), p.bytes.size());
        (void)cooked_ifindex(p);
      }
    }
  }
  ::close(fd);
  return 0;
}
