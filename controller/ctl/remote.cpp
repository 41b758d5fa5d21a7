// Verbs that need a controller: they go to its control socket.
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <ostream>
#include <thread>

#include "controller/ctl/remote.h"
#include "controller/ctl/verbs.h"
#include "controller/docker/transport.h"

namespace chaos::ctl {
namespace {

constexpr Duration kTimeout = std::chrono::seconds{10};
constexpr Duration kFollowInterval = std::chrono::milliseconds{300};

Task<> call(const std::string& socket, std::string method, std::string target,
            Result<docker::Reply>& reply) {
    const docker::Transport transport{socket};
    reply = co_await transport.call(std::move(method), std::move(target), kTimeout);
}

// The name goes into a URL as it is: only what names may hold is let through.
bool is_name(const std::string& text) {
    return !text.empty() &&
           text.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789-") == std::string::npos;
}

}  // namespace

Result<Answer> ask(const Context& context, const std::string& method, const std::string& target) {
    boost::asio::io_context io{1};
    Result<docker::Reply> reply;
    boost::asio::co_spawn(io, call(context.control_socket, method, target, reply),
                          boost::asio::detached);
    io.run();
    if (!reply) {
        return fail(reply.error().code, "no controller answers on " + context.control_socket +
                                            " (" + reply.error().context + ")");
    }
    auto document = json::Document::parse(reply->body);
    if (!document) return std::unexpected(document.error());
    return Answer{reply->status, std::move(reply->body), std::move(*document)};
}

int ask_and_tell(const Context& context, const std::string& target) {
    const auto answer = ask(context, "POST", target);
    if (!answer) return failed(context, answer.error().context);
    const bool ok = answer->status == 200;
    const auto text = answer->document.root()[ok ? "message" : "error"].string();
    if (!ok) return failed(context, text.value_or("status " + std::to_string(answer->status)));
    context.out << text.value_or("done") << '\n';
    return kOk;
}

int ask_controller(const Context& context, const std::string& name, const std::string& verb) {
    if (!is_name(name)) {
        return failed(context, "\"" + name + "\" is not the name of an experiment", kUsage);
    }
    const auto reply = ask(context, "POST", "/v1/experiments/" + name + "/" + verb);
    if (!reply) return failed(context, reply.error().context);
    const bool ok = reply->status == 200;
    const auto text = reply->document.root()[ok ? "message" : "error"].string();
    if (ok) {
        // "NAME: what happens"
        print_outcome(context, name, text.value_or(name).substr(name.size()));
        return kOk;
    }
    return failed(context, text.value_or("status " + std::to_string(reply->status)));
}

int logs(const Context& context, bool follow) {
    std::uint64_t last = 0;
    do {
        const auto reply = ask(context, "GET", "/v1/logs?after=" + std::to_string(last));
        if (!reply) return failed(context, reply.error().context);
        const auto root = reply->document.root();
        for (const auto& line : root["lines"].items()) {
            context.out << line.string().value_or("") << '\n';
        }
        context.out.flush();
        last = static_cast<std::uint64_t>(root["last"].integer().value_or(0));
        if (follow) std::this_thread::sleep_for(kFollowInterval);
    } while (follow && context.out);
    return kOk;
}

}  // namespace chaos::ctl
