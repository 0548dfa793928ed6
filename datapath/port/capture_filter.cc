#include "datapath/port/capture_filter.h"

#include <pcap/pcap.h>

#include "datapath/port/pcap_writer.h"

namespace nf {

void CaptureFilter::Free::operator()(bpf_program* p) const {
  pcap_freecode(p);
  delete p;
}

Result<CaptureFilter> CaptureFilter::compile(const std::string& expression, LinkType link) {
  const int dlt = link == LinkType::kRaw ? DLT_RAW : static_cast<int>(link);
  const std::unique_ptr<pcap_t, void (*)(pcap_t*)> dead(pcap_open_dead(dlt, PcapWriter::kSnaplen), pcap_close);
  if (dead == nullptr) return error("no memory for a filter");
  auto program = std::make_unique<bpf_program>();
  if (pcap_compile(dead.get(), program.get(), expression.c_str(), 1, PCAP_NETMASK_UNKNOWN) != 0)
    return error("filter \"" + expression + "\": " + pcap_geterr(dead.get()));
  CaptureFilter f;
  f.program_.reset(program.release());
  return f;
}

bool CaptureFilter::matches(std::span<const uint8_t> bytes, uint32_t original_length) const {
  pcap_pkthdr header{};
  header.caplen = static_cast<bpf_u_int32>(bytes.size());
  header.len = original_length != 0 ? original_length : header.caplen;
  return pcap_offline_filter(program_.get(), &header, bytes.data()) != 0;
}

}  // namespace nf
