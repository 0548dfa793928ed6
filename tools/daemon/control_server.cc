#include "tools/daemon/control_server.h"

#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <boost/asio/buffer.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/write.hpp>
#include <deque>

#include "tools/control/control_protocol.h"

namespace nf {

namespace {
using Socket = boost::asio::local::stream_protocol::socket;
using Endpoint = boost::asio::local::stream_protocol::endpoint;

// Event lines a slow reader may have outstanding before it is cut off, as a full netlink socket buffer does.
constexpr size_t kMaxBacklog = 64 * 1024 * 1024;
// Of stories: those that come while more is outstanding are left out.
constexpr size_t kMaxStories = 1024 * 1024;
// More than this many at a time are hung up on; they are all of the user who owns the gateway.
constexpr size_t kMaxClients = 256;
// Until the next try when the process has no descriptor left for a client.
constexpr auto kAcceptAgain = std::chrono::milliseconds(100);
}  // namespace

struct ControlServer::Client {
  explicit Client(Socket s) : socket(std::move(s)) {}
  Socket socket;
  std::string request;
  std::array<char, 4096> chunk;
  std::deque<std::string> outgoing;
  size_t outgoing_bytes = 0;
  bool writing = false;
  bool last_queued = false;  // close when everything is written
  bool left = false;
  ct::ListenerId listener = 0;
  uint32_t expect_listener = 0;
  Tracer::AskerId asker = 0;
  bool listens() const { return listener != 0 || expect_listener != 0 || asker != 0; }
};

std::optional<std::vector<std::string>> ControlServer::take_request(Client& client) {
  // Only what ends in a NUL can be whole: a long one is not looked through again for each piece.
  if (client.request.empty() || client.request.back() != '\0') return std::nullopt;
  auto words = control::decode_request(client.request);
  if (words) client.request.clear();
  return words;
}

ControlServer::ControlServer(boost::asio::io_context& io, Gateway& gateway, Tracer& tracer, Runner runner)
    : io_(io), acceptor_(io), retry_(io), gateway_(gateway), tracer_(tracer), runner_(std::move(runner)) {}

ControlServer::~ControlServer() {
  while (!clients_.empty()) leave(std::shared_ptr<Client>(clients_.front()));
  if (!path_.empty()) ::unlink(path_.c_str());
}

Status ControlServer::listen(const std::string& path) {
  std::string where = path;
  if (where.empty()) {
    const std::string dir = control::default_directory();
    ::mkdir(dir.c_str(), 0700);
    // Below /tmp anybody may have made it.
    struct stat st;
    if (::lstat(dir.c_str(), &st) != 0 || !S_ISDIR(st.st_mode)) return error(dir + ": is not a folder");
    if (st.st_uid != ::geteuid()) return error(dir + ": belongs to another user; name a socket with --control PATH");
    where = dir + '/' + std::to_string(::getpid()) + ".sock";
  }
  boost::system::error_code ec;
  if (where.size() >= sizeof(sockaddr_un::sun_path)) return error(where + ": too long for the path of a socket");
  if (struct stat st; ::stat(where.c_str(), &st) == 0) {
    if (!S_ISSOCK(st.st_mode)) return error(where + ": exists and is not a socket");
    Socket probe(io_);
    probe.connect(Endpoint(where), ec);
    if (!ec) return error(where + ": another gateway listens there");
    ::unlink(where.c_str());
  }
  acceptor_.open(boost::asio::local::stream_protocol(), ec);
  const mode_t mask = ::umask(0177);
  if (!ec) acceptor_.bind(Endpoint(where), ec);
  ::umask(mask);
  if (!ec) acceptor_.listen(128, ec);
  if (ec) return error(where + ": " + ec.message());
  path_ = where;
  accept();
  return {};
}

void ControlServer::accept() {
  acceptor_.async_accept([this](boost::system::error_code ec, Socket socket) {
    if (ec == boost::asio::error::operation_aborted) return;
    if (ec) {
      retry_.expires_after(kAcceptAgain);
      retry_.async_wait([this](boost::system::error_code e) {
        if (!e) accept();
      });
      return;
    }
    if (clients_.size() < kMaxClients) {
      clients_.push_back(std::make_shared<Client>(std::move(socket)));
      read(clients_.back());
    }
    accept();
  });
}

void ControlServer::read(const std::shared_ptr<Client>& client) {
  client->socket.async_read_some(boost::asio::buffer(client->chunk),
                                 [this, client](boost::system::error_code ec, size_t n) {
                                   if (ec) return leave(client);
                                   client->request.append(client->chunk.data(), n);
                                   if (const auto words = take_request(*client)) return answer(client, *words);
                                   if (client->request.size() > control::kMaxRequest) return leave(client);
                                   read(client);
                                 });
}

void ControlServer::answer(const std::shared_ptr<Client>& client, const std::vector<std::string>& words) {
  if (!words.empty() && words[0] == "sync") return sync(client, words);
  if (!words.empty() && words[0] == "trace") return trace(client, words);
  const bool handover = !words.empty() && words[0] == "handover";
  const CommandReply reply = handover ? runner_.handover(words) : run_command(gateway_, words, runner_.now());
  if (!reply.out.empty()) write(client, control::encode_frame('o', reply.out));
  if (!reply.err.empty()) write(client, control::encode_frame('e', reply.err));
  if (reply.follow_events) {
    // An empty frame tells that events are being listened to from here on.
    write(client, control::encode_frame('o', ""));
    // A line for this client, when there is one and it is still there.
    const auto pass = [this, weak = std::weak_ptr<Client>(client)](std::string line) {
      const auto c = weak.lock();
      if (c && !c->last_queued && !line.empty()) write(c, control::encode_frame('o', line));
    };
    if (reply.event_text)
      client->listener =
          gateway_.conntrack().listen([pass, text = reply.event_text](const ct::EventReport& e) { pass(text(e)); });
    if (reply.expect_text)
      client->expect_listener = gateway_.conntrack().expectations().listen(
          [pass, text = reply.expect_text](const ct::ExpectReport& e) { pass(text(e)); });
    return watch(client);
  }
  finish(client, reply.exit_code);
}

void ControlServer::trace(const std::shared_ptr<Client>& client, const std::vector<std::string>& words) {
  const Result<TraceRequest> request = read_trace_request(std::span(words).subspan(1));
  Result<Tracer::AskerId> asker = error("");
  if (request) {
    const auto frames = [this, weak = std::weak_ptr<Client>(client)](char channel) {
      return [this, weak, channel](std::string text) {
        const auto c = weak.lock();
        if (c && !c->last_queued) write(c, control::encode_frame(channel, text));
      };
    };
    Tracer::Outlet outlet;
    outlet.out = frames('o');
    outlet.note = frames('e');
    outlet.has_room = [weak = std::weak_ptr<Client>(client)] {
      const auto c = weak.lock();
      return c && c->outgoing_bytes < kMaxStories;
    };
    outlet.enough = [this, weak = std::weak_ptr<Client>(client)] {
      boost::asio::post(io_, [this, weak] {
        if (const auto c = weak.lock(); c && !c->last_queued) stop_tracing(c);
      });
    };
    asker = tracer_.add(*request, std::move(outlet));
  }
  if (!asker) {
    write(client, control::encode_frame('e', "trace: " + (request ? asker.error() : request.error()).str() + '\n'));
    return finish(client, static_cast<int>(ExitCode::kBadInput));
  }
  client->asker = *asker;
  // An empty frame tells that packets are told of from here on.
  write(client, control::encode_frame('o', ""));
  watch(client);
}

void ControlServer::stop_tracing(const std::shared_ptr<Client>& client) {
  tracer_.remove(std::exchange(client->asker, 0));
  finish(client, 0);
}

void ControlServer::finish(const std::shared_ptr<Client>& client, int exit_code) {
  client->last_queued = true;
  write(client, control::encode_frame('x', std::string(1, static_cast<char>(exit_code))));
}

void ControlServer::sync(const std::shared_ptr<Client>& client, const std::vector<std::string>& words) {
  const Status s = words.size() == 1 ? runner_.settle() : error("\"" + words[1] + "\" is not expected");
  if (!s) write(client, control::encode_frame('e', "sync: " + s.error().str() + '\n'));
  if (client->listens()) return write(client, control::encode_frame('o', ""));
  finish(client, s ? 0 : static_cast<int>(s.error().code));
}

void ControlServer::write(const std::shared_ptr<Client>& client, std::string bytes) {
  client->outgoing_bytes += bytes.size();
  client->outgoing.push_back(std::move(bytes));
  if (client->listens() && client->outgoing_bytes > kMaxBacklog) {
    client->outgoing.clear();
    client->outgoing.push_back(control::encode_frame('e', "conntrack: events were lost, the reader is too slow\n"));
    client->outgoing.push_back(control::encode_frame('x', std::string(1, '\1')));
    client->outgoing_bytes = 0;
    client->last_queued = true;
    // Not from inside a listener.
    boost::asio::post(io_, [this, client] { stop_listening(client); });
  }
  // Never from inside the packet path: events are reported there.
  if (!client->writing) {
    client->writing = true;
    boost::asio::post(io_, [this, client] { pump(client); });
  }
}

void ControlServer::pump(const std::shared_ptr<Client>& client) {
  if (client->left) return;
  if (client->outgoing.empty()) {
    client->writing = false;
    if (client->last_queued) leave(client);
    return;
  }
  auto bytes = std::make_shared<std::string>();
  for (const std::string& b : client->outgoing) *bytes += b;
  client->outgoing.clear();
  client->outgoing_bytes = 0;
  boost::asio::async_write(client->socket, boost::asio::buffer(*bytes),
                           [this, client, bytes](boost::system::error_code ec, size_t) {
                             if (ec) return leave(client);
                             pump(client);
                           });
}

void ControlServer::watch(const std::shared_ptr<Client>& client) {
  client->socket.async_read_some(
      boost::asio::buffer(client->chunk), [this, client](boost::system::error_code ec, size_t n) {
        if (ec) return leave(client);
        client->request.append(client->chunk.data(), n);
        if (const auto words = take_request(*client)) {
          const bool stop = client->asker != 0 && !words->empty() && words->front() == "stop";
          if (!stop && (words->empty() || words->front() != "sync")) return leave(client);
          if (stop)
            stop_tracing(client);
          else
            sync(client, *words);
        }
        if (client->request.size() > control::kMaxRequest) return leave(client);
        watch(client);
      });
}

void ControlServer::stop_listening(const std::shared_ptr<Client>& client) {
  if (client->listener != 0) gateway_.conntrack().unlisten(client->listener);
  client->listener = 0;
  if (client->expect_listener != 0) gateway_.conntrack().expectations().unlisten(client->expect_listener);
  client->expect_listener = 0;
  if (client->asker != 0) tracer_.remove(std::exchange(client->asker, 0));
}

void ControlServer::leave(const std::shared_ptr<Client>& client) {
  if (client->left) return;
  client->left = true;
  stop_listening(client);
  boost::system::error_code ec;
  client->socket.close(ec);
  clients_.remove(client);
}

}  // namespace nf
