#include "controller/ctl/settings.h"

#include <filesystem>
#include <ostream>

#include "controller/config/decode.h"
#include "controller/ctl/remote.h"
#include "controller/status/file.h"

namespace chaos::ctl {
namespace {

// "" where no controller answers, or it has none.
std::string path_of_controller(const Context& context) {
    std::error_code ec;
    if (!std::filesystem::exists(context.control_socket, ec)) return {};
    const auto answer = ask(context, "GET", "/v1/status");
    if (!answer || answer->status != 200) return {};
    return answer->document.root()["config"]["path"].string().value_or("");
}

}  // namespace

int load_settings(Context& context) {
    const bool named = !context.config_path.empty();
    if (!named) context.config_path = path_of_controller(context);
    if (context.config_path.empty()) return kOk;
    const auto text = status::read_file(context.config_path);
    if (!text) {
        return named ? failed(context, context.config_path + ": cannot be read") : kOk;
    }
    auto document = config::decode(*text);
    if (document.config) {
        context.config = std::move(*document.config);
        return kOk;
    }
    if (!named) return kOk;  // the controller goes by the last good one; nobody asked for this
    for (const auto& problem : document.problems) {
        context.err << manifest::render(context.config_path, problem) << '\n';
    }
    return kFailed;
}

}  // namespace chaos::ctl
