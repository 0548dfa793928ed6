#include "tools/control/control_client.h"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace nf::control {

Result<Connection> Connection::open(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path) {
    errno = ENAMETOOLONG;
    return error(std::strerror(errno));
  }
  std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
  const int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return error(std::strerror(errno));
  if (::connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0) return Connection(fd);
  const int saved = errno;
  ::close(fd);
  errno = saved;
  return error(std::strerror(saved));
}

Connection& Connection::operator=(Connection&& other) noexcept {
  std::swap(fd_, other.fd_);
  std::swap(buffer_, other.buffer_);
  return *this;
}

Connection::~Connection() {
  if (fd_ >= 0) ::close(fd_);
}

bool Connection::send(const std::vector<std::string>& words) {
  const std::string bytes = encode_request(words);
  size_t done = 0;
  while (done < bytes.size()) {
    const ssize_t n = ::send(fd_, bytes.data() + done, bytes.size() - done, MSG_NOSIGNAL);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return false;
    done += static_cast<size_t>(n);
  }
  return true;
}

bool Connection::fill() {
  char chunk[65536];
  for (;;) {
    const ssize_t n = ::read(fd_, chunk, sizeof chunk);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return false;
    buffer_.append(chunk, static_cast<size_t>(n));
    return true;
  }
}

std::optional<Frame> Connection::next() {
  for (;;) {
    if (auto frame = take()) return frame;
    if (!fill()) return std::nullopt;
  }
}

Result<Reply> ask(const std::string& path, const std::vector<std::string>& words) {
  Result<Connection> connection = Connection::open(path);
  if (!connection) return error(path + ": " + connection.error().text);
  Reply reply;
  if (connection->send(words)) {
    while (const auto frame = connection->next()) {
      if (frame->channel == 'o') reply.out += frame->bytes;
      if (frame->channel == 'e') reply.err += frame->bytes;
      if (frame->channel != 'x') continue;
      reply.exit_code = frame->bytes.empty() ? -1 : static_cast<unsigned char>(frame->bytes[0]);
      return reply;
    }
  }
  return error(path + ": the gateway closed the connection");
}

}  // namespace nf::control
