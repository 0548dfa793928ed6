#include "tools/ctnetlink/kernel_conntrack.h"

#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>
#include <netlink/msg.h>
#include <sys/socket.h>

#include <cstdlib>
#include <cstring>

#include "tools/ctnetlink/ct_message.h"

namespace nf::ctnetlink {
namespace {

constexpr int kCt = NFNL_SUBSYS_CTNETLINK, kExp = NFNL_SUBSYS_CTNETLINK_EXP;
constexpr size_t kReceive = 64 * 1024;  // a dump comes in pieces of up to 32 KiB

Error out_of_memory() { return error("netlink: out of memory"); }

}  // namespace

Result<std::unique_ptr<KernelConntrack>> KernelConntrack::open() {
  std::unique_ptr<KernelConntrack> k(new KernelConntrack);
  Result<nl::Socket> s = nl::connect(NETLINK_NETFILTER);
  if (!s) return s.error();
  k->socket_ = s.take();
  nl_socket_set_msg_buf_size(k->socket_.get(), kReceive);
  return k;
}

nl::Message KernelConntrack::begin(int subsystem, int type, int flags) {
  nl::Message m(nlmsg_alloc_simple(subsystem << 8 | type, NLM_F_REQUEST | flags));
  nfgenmsg general{AF_INET, NFNETLINK_V0, 0};
  if (m != nullptr) nlmsg_append(m.get(), &general, sizeof general, NLMSG_ALIGNTO);
  return m;
}

Result<int> KernelConntrack::transact(nl_msg* message, const Visit& visit) {
  nlmsghdr* const request = nlmsg_hdr(message);
  request->nlmsg_seq = ++sequence_;
  if (const int code = nl_sendto(socket_.get(), request, request->nlmsg_len); code < 0)
    return nl::failed("conntrack", code);
  for (;;) {
    sockaddr_nl from{};
    unsigned char* raw = nullptr;
    const int length = nl_recv(socket_.get(), &from, &raw, nullptr);
    const std::unique_ptr<unsigned char, void (*)(void*)> buffer(raw, std::free);
    if (length <= 0) return nl::failed("conntrack", length < 0 ? length : -NLE_FAILURE);
    int rest = length;
    for (nlmsghdr* h = reinterpret_cast<nlmsghdr*>(raw); nlmsg_ok(h, rest); h = nlmsg_next(h, &rest)) {
      if (h->nlmsg_seq != sequence_) continue;
      if (h->nlmsg_type == NLMSG_DONE) return 0;
      if (h->nlmsg_type == NLMSG_ERROR) {
        if (h->nlmsg_len < NLMSG_LENGTH(sizeof(nlmsgerr))) return error("conntrack: a netlink message too short");
        return -static_cast<const nlmsgerr*>(nlmsg_data(h))->error;
      }
      if (visit) visit(*h);
    }
  }
}

Result<std::vector<ct::EntryState>> KernelConntrack::entries() {
  std::vector<ct::EntryState> out;
  const nl::Message m = begin(kCt, IPCTNL_MSG_CT_GET, NLM_F_DUMP);
  if (m == nullptr) return out_of_memory();
  const Result<int> code = transact(m.get(), [&](const nlmsghdr& h) {
    ct::EntryState s;
    if (read_entry(h, s)) out.push_back(std::move(s));
  });
  if (!code) return code.error();
  if (*code != 0) return error(std::string("conntrack: the kernel's entries: ") + std::strerror(*code));
  return out;
}

Result<std::vector<ct::ExpectState>> KernelConntrack::expectations() {
  std::vector<ct::ExpectState> out;
  const nl::Message m = begin(kExp, IPCTNL_MSG_EXP_GET, NLM_F_DUMP);
  if (m == nullptr) return out_of_memory();
  const Result<int> code = transact(m.get(), [&](const nlmsghdr& h) {
    ct::ExpectState e;
    if (read_expectation(h, e)) out.push_back(std::move(e));
  });
  if (!code) return code.error();
  if (*code != 0) return error(std::string("conntrack: the kernel's expectations: ") + std::strerror(*code));
  return out;
}

Result<int> KernelConntrack::create(const ct::EntryState& state) {
  const nl::Message m = begin(kCt, IPCTNL_MSG_CT_NEW, NLM_F_ACK | NLM_F_CREATE | NLM_F_EXCL);
  if (m == nullptr || !put_entry(m.get(), state)) return out_of_memory();
  return transact(m.get());
}

Result<int> KernelConntrack::remove(const ct::EntryState& state) {
  const nl::Message m = begin(kCt, IPCTNL_MSG_CT_DELETE, NLM_F_ACK);
  if (m == nullptr || !put_key(m.get(), state.tuple[0], state.tuple[1].zone)) return out_of_memory();
  return transact(m.get());
}

Result<int> KernelConntrack::create(const ct::ExpectState& state) {
  const nl::Message m = begin(kExp, IPCTNL_MSG_EXP_NEW, NLM_F_ACK | NLM_F_CREATE | NLM_F_EXCL);
  if (m == nullptr || !put_expectation(m.get(), state)) return out_of_memory();
  Result<int> code = transact(m.get());
  if (!code || *code != 0 || !state.timeout) return code;
  // A new one has its policy's time; only a change takes another.
  const nl::Message change = begin(kExp, IPCTNL_MSG_EXP_NEW, NLM_F_ACK);
  if (change == nullptr || !put_expectation(change.get(), state)) return out_of_memory();
  return transact(change.get());
}

Result<int> KernelConntrack::remove(const ct::ExpectState& state) {
  const nl::Message m = begin(kExp, IPCTNL_MSG_EXP_DELETE, NLM_F_ACK);
  if (m == nullptr || !put_expectation(m.get(), state)) return out_of_memory();
  return transact(m.get());
}

}  // namespace nf::ctnetlink
