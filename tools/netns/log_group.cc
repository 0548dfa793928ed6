#include "tools/netns/log_group.h"

#include <linux/netfilter/nfnetlink_log.h>

namespace nf::netns {

Status bind_log_group(NetlinkSocket& socket, uint16_t group, uint32_t bytes) {
  constexpr int kConfig = NFNL_SUBSYS_ULOG << 8 | NFULNL_MSG_CONFIG;
  const nfulnl_msg_config_cmd command{NFULNL_CFG_CMD_BIND};
  Request bind(kConfig, 0, 0, group);
  bind.put_number(NFULA_CFG_CMD, command);
  nfulnl_msg_config_mode mode{};
  mode.copy_mode = NFULNL_COPY_PACKET;
  mode.copy_range = be32(bytes).raw();
  Request copy(kConfig, 0, 0, group);
  // A threshold of one: a message is sent before the rule is left.
  copy.put_number(NFULA_CFG_MODE, mode).put_number(NFULA_CFG_QTHRESH, be32(1));
  for (Request* request : {&bind, &copy}) {
    const Result<int> code = socket.transact(*request);
    if (!code) return code.error();
    if (*code < 0) {
      errno = -*code;
      return system_error("nfnetlink_log");
    }
  }
  return {};
}

bool is_log_message(const nlmsghdr& message) {
  return message.nlmsg_type == (NFNL_SUBSYS_ULOG << 8 | NFULNL_MSG_PACKET);
}

}  // namespace nf::netns
