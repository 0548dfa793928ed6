// Asks a running gateway: sends the command's words over the control socket and prints what comes back.
#pragma once

#include <functional>
#include <string>
#include <vector>

namespace nf {

// `control`: the socket's path; empty: the one gateway there is. Returns the exit code.
int ask_gateway(const std::string& control, std::vector<std::string> words);
// The same of a command that goes on until it is told to `stop`, which a signal does (another one ends without its last
// words). `begun`: called when the gateway says that it tells from here on.
int follow_gateway(const std::string& control, const std::vector<std::string>& words,
                   const std::function<void()>& begun);

}  // namespace nf
