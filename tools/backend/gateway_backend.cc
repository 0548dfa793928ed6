#include "tools/backend/gateway_backend.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <ctime>

#include "datapath/base/text.h"
#include "datapath/port/tun_port.h"
#include "tools/netns/rule_counters.h"

namespace nf {
namespace {

constexpr char kHostTun[] = "hostport";

Status write_file(const std::string& path, const std::string& text) {
  FILE* const file = std::fopen(path.c_str(), "wb");
  if (file == nullptr) return netns::system_error(path);
  const bool whole = std::fwrite(text.data(), 1, text.size(), file) == text.size();
  if (std::fclose(file) != 0 || !whole) return netns::system_error(path);
  return {};
}

std::vector<std::string> lines_of(std::string_view text) {
  std::vector<std::string> lines;
  for (const std::string_view line : split(text, '\n'))
    if (!line.empty()) lines.emplace_back(line);
  return lines;
}

// The tunables of what stands behind the host port, the namespace's own stack.
bool is_of_host(std::string_view name) {
  std::string dotted(name);
  std::replace(dotted.begin(), dotted.end(), '/', '.');
  return dotted.starts_with("net.ipv4.icmp_") || dotted == "net.ipv4.ip_default_ttl";
}

// A setting the namespace does not allow stays what it is: the gateway knows it.
void set_of_host(const std::vector<lab::SysctlSetting>& settings) {
  for (const lab::SysctlSetting& s : settings)
    if (is_of_host(s.name)) (void)netns::write_sysctl(s.name, s.value);
}

// What TunHostPort::refused sends.
bool is_host_refusal(std::span<const uint8_t> packet) {
  const Ipv4Header* ip = view<Ipv4Header>(packet);
  return ip != nullptr && ip->ttl == TunHostPort::kRefusedTtl && ip->protocol == kProtoIcmp &&
         ip->source == ip->destination && packet.size() > sizeof *ip && packet[sizeof *ip] == kIcmpUnreachable;
}

// "sysctl: words\n" or "iptables-restore: words\n" without the program's name.
std::string without_program(std::string_view text, std::string_view program) {
  if (text.starts_with(program)) text.remove_prefix(program.size());
  return std::string(trim(text));
}

// Takes "WRITTEN:12: " off the front of the text: the error is at line 12 of `file`. False: the text begins otherwise.
bool find_place(Error& e, const std::string& written, const std::string& file) {
  if (!e.text.starts_with(written + ':')) return false;
  std::string_view rest = std::string_view(e.text).substr(written.size() + 1);
  const size_t digits = std::min(rest.find_first_not_of("0123456789"), rest.size());
  const auto number = parse_number(rest.substr(0, digits), INT32_MAX);
  if (number && rest.substr(digits).starts_with(':')) {
    e.line = static_cast<int>(*number);
    rest.remove_prefix(digits + 1);
  }
  e.file = file;
  e.text = std::string(trim(rest));
  return true;
}

}  // namespace

std::unique_ptr<Backend> make_gateway_backend(const std::string& program) {
  return std::make_unique<GatewayBackend>(program);
}

std::string GatewayBackend::GrowingFile::take() {
  std::string text;
  const netns::Fd file(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  char chunk[65536];
  ssize_t n;
  while (file && (n = pread(file.get(), chunk, sizeof chunk, static_cast<off_t>(read + text.size()))) > 0)
    text.append(chunk, static_cast<size_t>(n));
  read += text.size();
  return text;
}

GatewayBackend::~GatewayBackend() {
  event_stream_.reset();
  process_.stop();
  if (folder_.empty()) return;
  for (const char* name :
       {"/lab/network", "/lab/sysctl.conf", "/lab/timeouts", "/lab/rules.v4", "/trace", "/log", "/errors", "/control"})
    unlink((folder_ + name).c_str());
  rmdir((folder_ + "/lab").c_str());
  rmdir(folder_.c_str());
}

Status GatewayBackend::configure(const BackendConfig& config) {
  config_ = config;
  config_.lab = nullptr;
  Result<netns::NetworkNamespace> made = netns::NetworkNamespace::make();
  if (!made) return made.error();
  namespace_ = made.take();
  // What the namespace's own stack says on its links by itself would come out of the TAPs. The router here is another,
  // and a gateway refuses to start beside one. A new namespace begins with the machine's settings.
  for (const auto& [name, value] :
       {std::pair{"net.ipv6.conf.default.disable_ipv6", "1"}, std::pair{"net.ipv6.conf.all.disable_ipv6", "1"},
        std::pair{"net.ipv4.ip_forward", "0"}}) {
    if (Status s = netns::write_sysctl(name, value);
        !s && std::string_view(name).find("ipv6") == std::string_view::npos)
      return s;
  }
  set_of_host(config.lab->sysctl);
  if (Status s = make_ports(*config.lab); !s) return s;
  if (Status s = write_lab(*config.lab); !s) return s;
  if (Status s = start(); !s) return in_lab_words(s.error(), *config.lab);
  if (Status s = open_host(); !s) return s;
  if (config.events) {
    Result<control::Connection> stream = control::Connection::open(control_);
    if (!stream) return stream.error();
    event_stream_.emplace(stream.take());
    const auto begun = event_stream_->send({"conntrack", "-E"}) ? event_stream_->next() : std::nullopt;
    if (!begun || begun->channel != 'o')
      return error("hookpoint conntrack -E: " + (begun ? begun->bytes : "no answer"));
  }
  unsettled_ = true;
  return sync();
}

Status GatewayBackend::make_ports(const lab::Lab& lab) {
  ports_ = ports_of(lab);
  for (const BackendPort& port : ports_) {
    const bool tun = std::any_of(lab.network.begin(), lab.network.end(), [&](const lab::NetworkLine& line) {
      const auto* add = std::get_if<lab::LinkAdd>(&line.operation);
      return add != nullptr && add->name == port.name && add->kind == lab::LinkKind::kTun;
    });
    Result<netns::Tap> tap = netns::Tap::make(port.name, port.mac, !tun);
    if (!tap) return tap.error();
    taps_.push_back(tap.take());
  }
  return {};
}

Status GatewayBackend::write_lab(const lab::Lab& lab) {
  std::string pattern = "/tmp/hookpoint-backend-XXXXXX";
  if (mkdtemp(pattern.data()) == nullptr) return netns::system_error(pattern);
  folder_ = pattern;
  control_ = folder_ + "/control";
  trace_file_.path = folder_ + "/trace";
  log_file_.path = folder_ + "/log";
  if (mkdir((folder_ + "/lab").c_str(), 0700) != 0) return netns::system_error(folder_ + "/lab");
  // A line for each, so that a line's number there is its place in the list.
  std::string network, sysctl, timeouts;
  for (const lab::NetworkLine& line : lab.network) network += line.text + '\n';
  for (const lab::SysctlSetting& s : lab.sysctl)
    sysctl += (s.ignore_error ? "-" : "") + s.name + " = " + s.value + '\n';
  if (Status s = write_file(folder_ + "/lab/network", network); !s) return s;
  for (const lab::TimeoutLine& line : lab.timeouts) timeouts += line.text + '\n';
  if (Status s = write_file(folder_ + "/lab/sysctl.conf", sysctl); !s) return s;
  if (Status s = write_file(folder_ + "/lab/timeouts", timeouts); !s) return s;
  return lab.rules ? write_file(folder_ + "/lab/rules.v4", *lab.rules) : Status();
}

// "hookpoint: TEMPORARY/lab/network:3: words" as an error of the lab's own file and line.
Error GatewayBackend::in_lab_words(const Error& e, const lab::Lab& lab) const {
  const auto line_in = [](const auto& list, int n) {
    return n >= 1 && static_cast<size_t>(n) <= list.size() ? list[static_cast<size_t>(n) - 1].line : 0;
  };
  Error mine = e;
  mine.text = without_program(e.text, "hookpoint: ");
  if (find_place(mine, folder_ + "/lab/network", lab.network_file))
    mine.line = line_in(lab.network, mine.line);
  else if (find_place(mine, folder_ + "/lab/sysctl.conf", lab.sysctl_file))
    mine.line = line_in(lab.sysctl, mine.line);
  else if (find_place(mine, folder_ + "/lab/timeouts", lab.timeouts_file))
    mine.line = line_in(lab.timeouts, mine.line);
  else
    find_place(mine, folder_ + "/lab/rules.v4", lab.rules_file);
  return mine;
}

Status GatewayBackend::start() {
  std::vector<std::string> arguments{"run",        folder_ + "/lab", "--control", control_,
                                     "--log",      log_file_.path,   "--seed",    std::to_string(config_.seed),
                                     "--host-tun", kHostTun};
  if (config_.rule_paths || config_.trace || config_.told)
    arguments.insert(arguments.end(), {"--trace", trace_file_.path, "--trace-form", "json"});
  return process_.start(program_, arguments, folder_ + "/errors");
}

Status GatewayBackend::open_host() {
  Result<netns::LocalProcesses> host = netns::LocalProcesses::open();
  if (!host) return host.error();
  host_.emplace(host.take());
  for (const ProcessPort& process : config_.processes)
    if (Status s = host_->take_port(process.protocol, process.port); !s) return s;
  return {};
}

Status GatewayBackend::read_host() {
  for (;;) {
    const Result<std::span<const uint8_t>> packet = host_->receive();
    if (!packet) return packet.error();
    if (packet->empty()) return {};
    delivered_.push_back({kLocalProcesses, {packet->begin(), packet->end()}});
  }
}

Status GatewayBackend::sync() {
  if (!unsettled_) return {};
  if (!event_stream_) {
    const Result<control::Reply> reply = control::ask(control_, {"sync"});
    if (!reply) return reply.error();
    if (reply->exit_code != 0) return error(std::string(trim(reply->err)));
  } else {
    // On the stream itself: behind the answer no event of before can follow.
    std::string complaint;
    bool done = false;
    if (!event_stream_->send({"sync"})) return error("the gateway is gone");
    while (!done) {
      const auto frame = event_stream_->next();
      if (!frame || frame->channel == 'x') return error("the gateway is gone");
      if (frame->channel == 'e') complaint = trim(frame->bytes);
      if (frame->channel != 'o') continue;
      done = frame->bytes.empty();
      for (std::string& line : lines_of(frame->bytes)) events_.push_back(std::move(line));
    }
    if (!complaint.empty()) return error(complaint);
  }
  unsettled_ = false;
  return {};
}

Result<std::string> GatewayBackend::command(const std::vector<std::string>& words) {
  if (Status s = sync(); !s) return s.error();
  Result<control::Reply> reply = control::ask(control_, words);
  if (!reply) return reply.error();
  if (reply->exit_code == 0) return std::move(reply->out);
  Error e = error(without_program(reply->err, words[0] + ": "));
  if (reply->exit_code == static_cast<int>(ExitCode::kNotModelled)) e.code = ExitCode::kNotModelled;
  return e;
}

Status GatewayBackend::inject(int port, std::span<const uint8_t> frame) {
  if (Status s = sync(); !s) return s;
  unsettled_ = true;
  return taps_[static_cast<size_t>(port)].write(frame);
}

Result<bool> GatewayBackend::send_from_host(std::span<const uint8_t> packet) {
  if (Status s = sync(); !s) return s.error();
  if (Status s = read_host(); !s) return s.error();
  const Result<bool> sent = host_->send(packet);
  if (!sent || !*sent) return sent;
  unsettled_ = true;
  if (Status s = sync(); !s) return s.error();
  const size_t before = delivered_.size();
  if (Status s = read_host(); !s) return s.error();
  // The gateway's word that there is no way out: what a system call would have answered, and no packet of the host's.
  const auto refusal = std::find_if(delivered_.begin() + static_cast<ptrdiff_t>(before), delivered_.end(),
                                    [](const Emitted& e) { return is_host_refusal(e.bytes); });
  if (refusal == delivered_.end()) return true;
  delivered_.erase(refusal);
  return false;
}

Status GatewayBackend::collect(std::vector<Emitted>& out) {
  if (Status s = sync(); !s) return s;
  for (size_t i = 0; i < taps_.size(); ++i) {
    for (;;) {
      const Result<std::span<const uint8_t>> frame = taps_[i].read();
      if (!frame) return frame.error();
      if (frame->empty()) break;
      out.push_back({static_cast<int>(i), {frame->begin(), frame->end()}});
    }
  }
  if (Status s = read_host(); !s) return s;
  out.insert(out.end(), std::make_move_iterator(delivered_.begin()), std::make_move_iterator(delivered_.end()));
  delivered_.clear();
  return {};
}

Time GatewayBackend::now() {
  timespec t{};
  clock_gettime(CLOCK_REALTIME, &t);
  return t.tv_sec * kSecond + t.tv_nsec;
}

Status GatewayBackend::wait_until(Time t) {
  if (Status s = sync(); !s) return s;
  for (Duration left = t - now(); left > 0; left = t - now()) {
    const timespec pause{left / kSecond, left % kSecond};
    nanosleep(&pause, nullptr);
  }
  unsettled_ = true;  // timers
  return sync();
}

Result<std::vector<RuleCounter>> GatewayBackend::counters() {
  Result<std::string> text = command({"iptables-save", "-c"});
  if (!text) return text.error();
  std::vector<RuleCounter> out;
  for (netns::RuleCount& c : netns::saved_rule_counters(*text))
    out.push_back({std::move(c.table), std::move(c.chain), c.number, c.packets, c.bytes});
  return out;
}

Result<std::vector<std::string>> GatewayBackend::entries() {
  Result<std::string> text = command({"conntrack", "-L"});
  if (!text) return text.error();
  return lines_of(*text);
}

Result<std::vector<std::string>> GatewayBackend::expectations() {
  Result<std::string> text = command({"conntrack", "-L", "expect"});
  if (!text) return text.error();
  return lines_of(*text);
}

Result<std::vector<std::string>> GatewayBackend::take_events() {
  if (Status s = sync(); !s) return s.error();
  return std::exchange(events_, {});
}

Result<std::vector<std::string>> GatewayBackend::take_log() {
  if (Status s = sync(); !s) return s.error();
  std::vector<std::string> lines = lines_of(log_file_.take());
  std::erase_if(lines, [](const std::string& line) { return !is_log_line(line); });
  return lines;
}

Result<ct::Stats> GatewayBackend::statistics() {
  Result<std::string> text = command({"conntrack", "-S"});
  if (!text) return text.error();
  ct::Stats stats;
  const std::pair<std::string_view, uint64_t*> fields[] = {
      {"found", &stats.found},
      {"invalid", &stats.invalid},
      {"insert", &stats.insert},
      {"insert_failed", &stats.insert_failed},
      {"drop", &stats.drop},
      {"early_drop", &stats.early_drop},
      {"error", &stats.icmp_error},
      {"search_restart", &stats.search_restart},
      {"clash_resolve", &stats.clash_resolve},
      {"chaintoolong", &stats.chaintoolong},
  };
  for (const std::string& line : lines_of(*text)) {
    for (const std::string_view word : split_words(line)) {
      const std::vector<std::string_view> parts = split(word, '=');
      for (const auto& [name, value] : fields)
        if (parts.size() == 2 && parts[0] == name) *value += parse_number(parts[1]).value_or(0);
    }
  }
  return stats;
}

Status GatewayBackend::read_trace() {
  if (Status s = sync(); !s) return s;
  return trace_.add(trace_file_.take());
}

Result<std::vector<RulePath>> GatewayBackend::take_paths() {
  if (Status s = read_trace(); !s) return s.error();
  return trace_.take_paths();
}

Result<std::vector<ToldPacket>> GatewayBackend::take_told() {
  if (Status s = read_trace(); !s) return s.error();
  return trace_.take_told();
}

Result<std::string> GatewayBackend::saved_rules(bool counters) {
  return counters ? command({"iptables-save", "-c"}) : command({"iptables-save"});
}

Result<std::string> GatewayBackend::listed_rules(const std::string& table, const std::string& chain) {
  return command({"iptables", "-t", table, "-L", chain, "-n", "-v"});
}

std::string GatewayBackend::take_trace() {
  if (!read_trace()) return {};
  return trace_.take_text();
}

Status GatewayBackend::apply_network(const std::vector<lab::NetworkLine>& lines, const std::string& file) {
  if (lines.empty()) return {};
  Error e = error_at(file, lines.front().line, "the network of a running gateway cannot be changed");
  e.code = ExitCode::kNotModelled;
  return e;
}

Status GatewayBackend::apply_sysctl(const std::vector<lab::SysctlSetting>& settings, const std::string& file) {
  if (Status s = namespace_->enter(); !s) return s;
  set_of_host(settings);
  for (const lab::SysctlSetting& s : settings) {
    const Result<std::string> done = command({"sysctl", "-q", "-w", s.name + '=' + s.value});
    if (done || s.ignore_error) continue;
    Error e = error_at(file, s.line, done.error().text);
    e.code = done.error().code;
    return e;
  }
  return {};
}

Status GatewayBackend::apply_rules(const std::string& text, const std::string& file) {
  const Result<std::string> done = command({"iptables-restore", "-c", "--", file, control::file_word(text)});
  if (done) return {};
  Error e = done.error();
  if (!find_place(e, file, file)) e.file = file;
  return e;
}

Status GatewayBackend::flush_conntrack() {
  const Result<std::string> done = command({"conntrack", "-F"});
  unsettled_ = true;  // its events
  return done ? Status() : done.error();
}

}  // namespace nf
