// A group of nfnetlink_log bound to a socket. stands for: libnetfilter_log
#pragma once

#include <cstdint>

#include "tools/netns/netlink_socket.h"

namespace nf::netns {

// From now on `socket` gets what the socket's namespace logs to `group`, each message before the rule that logs is
// left, with at most `bytes` of the packet. An error: another socket has the group.
Status bind_log_group(NetlinkSocket& socket, uint16_t group, uint32_t bytes);

// The type of such a message.
bool is_log_message(const nlmsghdr& message);

}  // namespace nf::netns
