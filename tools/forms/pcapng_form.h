// Stories as pcapng, for Wireshark and its kin: what is said of a packet is the packet's comment.
//
// An interface is a port: the frame as it came (inbound, commented with the verdict) and the frames that left
// (outbound). With FormOptions::hooks each hook has interfaces too ("PREROUTING ens33", "FORWARD ens33 > docker0"),
// where the packet stands as it entered, commented with what was decided there; then "received ens33", "sent docker0"
// and "delivered" are the ends. A packet of this host's own came in by "host".
//
// Where a packet has no link header (in hooks, of the host, on raw-IP links) it gets one without addresses: libpcap
// wants one link type.
#pragma once

#include "datapath/port/pcapng_writer.h"
#include "tools/forms/form.h"

namespace nf::forms {

class PcapngForm final : public Form {
 public:
  PcapngForm(const FormOptions& options, Write write)
      : options_(options), writer_(LinkType::kEthernet, std::move(write)) {}
  bool wants_bytes() const override { return true; }
  void story(const trace::Story& story) override;
  void end() override { writer_.begin(); }

 private:
  void received(const trace::Story& story);
  void step(const trace::Story& story, const trace::Step& step);
  void hook(const trace::Story& story, size_t at);

  FormOptions options_;
  PcapngWriter writer_;
};

}  // namespace nf::forms
