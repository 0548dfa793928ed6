// What a command line of conntrack(8) asks for. twin: do_parse, conntrack.c of conntrack-tools 1.4.7
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>

#include "conntrack/rare_parts.h"
#include "conntrack/text/label_map.h"
#include "datapath/base/byteorder.h"
#include "datapath/base/result.h"
#include "tools/commands/conntrack_options.h"

namespace nf {

enum CtOutput : uint16_t {
  kOutXml = 1u << 0,
  kOutExtended = 1u << 1,
  kOutTimestamp = 1u << 2,
  kOutId = 1u << 3,
  kOutKernelTimes = 1u << 4,
  kOutLabels = 1u << 5,
  kOutSave = 1u << 6,
  kOutJson = 1u << 7,    // hookpoint's own
  kOutProcfs = 1u << 8,  // hookpoint's own: as /proc/net/nf_conntrack
};

// A template of a connection, as far as it was given. In a request to list it selects, in one to create it says what.
struct CtTemplate {
  std::optional<uint8_t> protocol;
  std::optional<Be32> address[4];  // original source, destination, reply source, destination
  std::optional<Be16> port[4];     // likewise; of GRE the keys
  std::optional<uint8_t> icmp_type, icmp_code;
  std::optional<Be16> icmp_id;
  std::optional<uint8_t> state;  // of TCP or SCTP
  std::optional<Be32> vtag[2];
  std::optional<uint32_t> timeout, status, id;
  std::optional<uint16_t> zone, direction_zone[2];
  std::optional<Be32> nat_address[2];  // source, destination
  std::optional<Be16> nat_port[2];
};

struct CtRequest {
  CtCommand command = CtCommand::kNone;
  bool empty_table = false;           // dying, unconfirmed: there is never anything in them
  uint32_t given = 0;                 // bit n: the option at place n of the program's list
  int family = 0;                     // 0: not said; 4, 6
  const CtProtocol* known = nullptr;  // the protocol, when it has options
  CtTemplate tmpl;
  std::optional<Be32> mask[2];   // --mask-src, --mask-dst
  std::optional<Be32> tuple[2];  // --tuple-src, --tuple-dst
  std::optional<Be16> mask_port[2], tuple_port[2];
  uint32_t status = 0, status_mask = 0;  // what the kernel is asked to filter by
  uint32_t mark = 0, mark_mask = 0xffffffff;
  std::optional<ct::Labels> labels, label_change;
  uint8_t events = 0;   // bits NEW, UPDATE, DESTROY
  uint16_t output = 0;  // CtOutput
  ct::LabelMap label_map;
  std::string warnings;  // to be printed first

  bool has(char letter) const { return (given >> *place_of(letter) & 1) != 0; }
};

// Labels are known by the names of `labels_file`. The error's code is what the program exits with, and its text all it
// prints.
Result<CtRequest> read_conntrack_request(std::span<const std::string> words, const std::string& labels_file);

// "conntrack v1.4.7 (conntrack-tools): TEXT", and where to find help when it was the command line's fault.
Error conntrack_error(const std::string& text, bool parameter_problem = true);
inline constexpr char kConntrackVersion[] = "conntrack v1.4.7 (conntrack-tools)";

}  // namespace nf
