// Errors off the packet path: Result<T> is a value or an Error that knows its file and line.
//
// Nothing here throws. On the packet path use Verdict and DropReason instead.
#pragma once

#include <cassert>
#include <string>
#include <utility>
#include <variant>

namespace nf {

// Exit codes of every command.
enum class ExitCode : int {
  kOk = 0,
  kExpectationFailed = 1,
  kBadInput = 2,
  kNotModelled = 3,
};

struct Error {
  std::string text;
  std::string file;  // empty: the error has no place
  int line = 0;      // 1-based; 0: the whole file
  ExitCode code = ExitCode::kBadInput;

  // "rules.v4:12: unknown option "--foo"", as printed to stderr.
  std::string str() const {
    if (file.empty()) return text;
    return line > 0 ? file + ":" + std::to_string(line) + ": " + text : file + ": " + text;
  }
};

inline Error error(std::string text) { return Error{std::move(text), {}, 0, ExitCode::kBadInput}; }
inline Error error_at(std::string file, int line, std::string text) {
  return Error{std::move(text), std::move(file), line, ExitCode::kBadInput};
}

template <class T>
class [[nodiscard]] Result {
 public:
  Result(T value) : v_(std::in_place_index<0>, std::move(value)) {}
  Result(Error e) : v_(std::in_place_index<1>, std::move(e)) {}
  bool ok() const { return v_.index() == 0; }
  explicit operator bool() const { return ok(); }
  T& value() {
    assert(ok());
    return *std::get_if<0>(&v_);
  }
  const T& value() const {
    assert(ok());
    return *std::get_if<0>(&v_);
  }
  T& operator*() { return value(); }
  const T& operator*() const { return value(); }
  T* operator->() { return &value(); }
  const T* operator->() const { return &value(); }
  T take() { return std::move(value()); }
  Error& error() {
    assert(!ok());
    return *std::get_if<1>(&v_);
  }
  const Error& error() const {
    assert(!ok());
    return *std::get_if<1>(&v_);
  }

 private:
  std::variant<T, Error> v_;
};

template <>
class [[nodiscard]] Result<void> {
 public:
  Result() = default;
  Result(Error e) : e_(std::move(e)), ok_(false) {}
  bool ok() const { return ok_; }
  explicit operator bool() const { return ok_; }
  Error& error() { return e_; }
  const Error& error() const { return e_; }

 private:
  Error e_;
  bool ok_ = true;
};

using Status = Result<void>;

}  // namespace nf
