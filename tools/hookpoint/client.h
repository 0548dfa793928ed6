// Asks a running gateway: sends the command's words over the control socket and prints what comes back.
#pragma once

#include <string>
#include <vector>

namespace nf {

// `control`: the socket's path; empty: the one gateway there is. Returns the exit code.
int ask_gateway(const std::string& control, std::vector<std::string> words);

}  // namespace nf
