#include "tools/kernel/ingress_drop.h"

#include <arpa/inet.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <net/if.h>
#include <netlink/attr.h>
#include <netlink/msg.h>
#include <unistd.h>

#include <climits>
#include <cstdlib>
#include <cstring>

#include "datapath/base/text.h"

namespace nf {
namespace {

// linux/netfilter.h drags in linux/in.h, which does not go together with netinet/in.h.
constexpr uint8_t kFamilyNetdev = 5;    // NFPROTO_NETDEV
constexpr uint32_t kHookIngress = 0;    // NF_NETDEV_INGRESS
constexpr uint32_t kPolicyDrop = 0;     // NF_DROP
constexpr int32_t kPriority = INT_MIN;  // before anybody else's chains

uint16_t nftables_type(uint16_t type) { return static_cast<uint16_t>(NFNL_SUBSYS_NFTABLES << 8 | type); }

void put_u32(nl_msg* m, int attribute, uint32_t value) { nla_put_u32(m, attribute, htonl(value)); }

std::string chain_name(const std::string& device) { return "drop_" + device; }

nl::Message batch_edge(uint16_t type) {
  nl::Message m(nlmsg_alloc_simple(type, NLM_F_REQUEST));
  const nfgenmsg general{AF_UNSPEC, NFNETLINK_V0, htons(NFNL_SUBSYS_NFTABLES)};
  if (m != nullptr) nlmsg_append(m.get(), const_cast<nfgenmsg*>(&general), sizeof general, NLMSG_ALIGNTO);
  return m;
}

}  // namespace

Result<std::unique_ptr<IngressDrop>> IngressDrop::open() {
  static unsigned counter = 0;
  std::unique_ptr<IngressDrop> d(new IngressDrop);
  d->table_ = strf("hookpoint_%d_%u", getpid(), counter++);
  Result<nl::Socket> s = nl::connect(NETLINK_NETFILTER);
  if (!s) return s.error();
  d->socket_ = s.take();
  const nl::Message m = d->begin_message(NFT_MSG_NEWTABLE, NLM_F_CREATE | NLM_F_EXCL);
  if (m == nullptr) return error("netlink: out of memory");
  nla_put_string(m.get(), NFTA_TABLE_NAME, d->table_.c_str());
  put_u32(m.get(), NFTA_TABLE_FLAGS, NFT_TABLE_F_OWNER);
  if (Status status = d->commit("nftables table for the ingress drop", m.get()); !status) return status.error();
  return d;
}

Status IngressDrop::add(const std::string& device) {
  // The kernel would take a name that is not there yet (6.16 and later) and wait for it.
  if (if_nametoindex(device.c_str()) == 0) return error(device + ": no such link");
  const nl::Message m = begin_message(NFT_MSG_NEWCHAIN, NLM_F_CREATE);
  if (m == nullptr) return error("netlink: out of memory");
  nla_put_string(m.get(), NFTA_CHAIN_TABLE, table_.c_str());
  nla_put_string(m.get(), NFTA_CHAIN_NAME, chain_name(device).c_str());
  nlattr* const hook = nla_nest_start(m.get(), NFTA_CHAIN_HOOK);
  put_u32(m.get(), NFTA_HOOK_HOOKNUM, kHookIngress);
  put_u32(m.get(), NFTA_HOOK_PRIORITY, static_cast<uint32_t>(kPriority));
  nla_put_string(m.get(), NFTA_HOOK_DEV, device.c_str());
  nla_nest_end(m.get(), hook);
  put_u32(m.get(), NFTA_CHAIN_POLICY, kPolicyDrop);
  nla_put_string(m.get(), NFTA_CHAIN_TYPE, "filter");
  return commit(device + ": ingress drop", m.get());
}

Status IngressDrop::remove(const std::string& device) {
  const nl::Message m = begin_message(NFT_MSG_DELCHAIN, 0);
  if (m == nullptr) return error("netlink: out of memory");
  nla_put_string(m.get(), NFTA_CHAIN_TABLE, table_.c_str());
  nla_put_string(m.get(), NFTA_CHAIN_NAME, chain_name(device).c_str());
  return commit(device + ": removing the ingress drop", m.get());
}

nl::Message IngressDrop::begin_message(uint16_t type, uint16_t flags) const {
  nl::Message m(nlmsg_alloc_simple(nftables_type(type), NLM_F_REQUEST | NLM_F_ACK | flags));
  nfgenmsg general{kFamilyNetdev, NFNETLINK_V0, 0};
  if (m != nullptr) nlmsg_append(m.get(), &general, sizeof general, NLMSG_ALIGNTO);
  return m;
}

Status IngressDrop::commit(const std::string& what, nl_msg* message) {
  const nl::Message begin = batch_edge(NFNL_MSG_BATCH_BEGIN), end = batch_edge(NFNL_MSG_BATCH_END);
  if (begin == nullptr || end == nullptr) return error("netlink: out of memory");
  std::vector<uint8_t> batch;
  uint32_t asked = 0;
  for (nl_msg* m : {begin.get(), message, end.get()}) {
    nlmsghdr* const h = nlmsg_hdr(m);
    h->nlmsg_seq = ++sequence_;
    if (m == message) asked = sequence_;
    const uint8_t* const bytes = reinterpret_cast<const uint8_t*>(h);
    batch.insert(batch.end(), bytes, bytes + h->nlmsg_len);
    batch.resize(NLMSG_ALIGN(batch.size()));
  }
  if (const int code = nl_sendto(socket_.get(), batch.data(), batch.size()); code < 0) return nl::failed(what, code);

  // The kernel has worked the batch off when sendto() returns; its answers are waiting.
  for (;;) {
    sockaddr_nl from{};
    unsigned char* raw = nullptr;
    const int length = nl_recv(socket_.get(), &from, &raw, nullptr);
    const std::unique_ptr<unsigned char, void (*)(void*)> buffer(raw, std::free);
    if (length <= 0) return nl::failed(what, length < 0 ? length : -NLE_FAILURE);
    int rest = length;
    for (nlmsghdr* h = reinterpret_cast<nlmsghdr*>(raw); nlmsg_ok(h, rest); h = nlmsg_next(h, &rest)) {
      if (h->nlmsg_type != NLMSG_ERROR || h->nlmsg_len < NLMSG_LENGTH(sizeof(nlmsgerr))) continue;
      const int verdict = static_cast<const nlmsgerr*>(nlmsg_data(h))->error;
      if (verdict != 0) return error(what + ": " + std::strerror(-verdict));
      if (h->nlmsg_seq == asked) return {};
    }
  }
}

}  // namespace nf
