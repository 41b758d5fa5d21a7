// Asking the running controller, over its control socket.
#pragma once

#include <string>

#include "controller/ctl/context.h"
#include "controller/json/json.h"

namespace chaos::ctl {

// The answer to a request, whatever its status. Errors: kUnavailable (no controller answers),
// kInvalid (what answers is none).
struct Answer {
    unsigned status = 0;
    std::string body;
    json::Document document;
};
[[nodiscard]] Result<Answer> ask(const Context& context, const std::string& method,
                                 const std::string& target);

// Sends a request that changes something and prints what the controller says.
int ask_and_tell(const Context& context, const std::string& target);

}  // namespace chaos::ctl
