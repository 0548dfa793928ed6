// Talks in the dialects that connection helpers listen to. Each is a file of its name; this is their list.
#pragma once

#include <memory>
#include <optional>
#include <string_view>

#include "tools/difftest/traffic/traffic_context.h"

namespace nf::difftest {

// Where somebody said he is to be dialled. An address that was not named is the speaker's, port 0 the port he spoke
// from. Of GRE the port is the call id.
struct Announcement {
  std::optional<Be32> address;
  uint16_t port = 0;
};

struct HelperTalk {
  Dialect dialect;
  std::unique_ptr<Talk> (*make)(TrafficContext& context, uint32_t flow);
  // The announcement in a packet's payload as it was received; nullopt: there is none.
  std::optional<Announcement> (*announced)(std::string_view payload);
};
const HelperTalk& helper_talk(Dialect dialect);  // not kNone

// --- ftp_talk.cc
std::unique_ptr<Talk> make_ftp_talk(TrafficContext& context, uint32_t flow);
std::optional<Announcement> announced_by_ftp(std::string_view payload);
// --- NAME_talk.cc
std::unique_ptr<Talk> make_tftp_talk(TrafficContext& context, uint32_t flow);
std::optional<Announcement> announced_by_tftp(std::string_view payload);
std::unique_ptr<Talk> make_irc_talk(TrafficContext& context, uint32_t flow);
std::optional<Announcement> announced_by_irc(std::string_view payload);
std::unique_ptr<Talk> make_amanda_talk(TrafficContext& context, uint32_t flow);
std::optional<Announcement> announced_by_amanda(std::string_view payload);
std::unique_ptr<Talk> make_sane_talk(TrafficContext& context, uint32_t flow);
std::optional<Announcement> announced_by_sane(std::string_view payload);
std::unique_ptr<Talk> make_pptp_talk(TrafficContext& context, uint32_t flow);
std::optional<Announcement> announced_by_pptp(std::string_view payload);
std::unique_ptr<Talk> make_sip_talk(TrafficContext& context, uint32_t flow);
std::optional<Announcement> announced_by_sip(std::string_view payload);

}  // namespace nf::difftest
