// What a form may say of the machine around the packets, read off a gateway.
#pragma once

#include <string>

#include "tools/forms/form.h"
#include "tools/gateway/gateway.h"

namespace nf {

// `lab`: its folder; the name is the last part of the path.
forms::Surroundings surroundings_of(Gateway& gateway, const std::string& lab);

}  // namespace nf
