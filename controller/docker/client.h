// The Docker Engine API's verbs that this project uses, as functions on values.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "controller/api/container.h"
#include "controller/docker/codec.h"
#include "controller/docker/transport.h"

namespace chaos::docker {

// A verb changed something, or found it done already (Docker's 304, or 409 where that is what it
// means).
enum class Outcome { kChanged, kAlready };

// `unix:///path` or `/path`. Errors: kInvalid for anything else.
[[nodiscard]] Result<std::string> socket_path(std::string_view host);

class Client {
public:
    // Called after each request with its operation ("inspect"), how long it took and whether it was
    // answered with success.
    using Observer = std::function<void(std::string_view operation, Duration took, bool ok)>;

    explicit Client(std::string path, Observer observer = {})
        : transport_(std::move(path)), observer_(std::move(observer)) {}

    // Agrees on an API version; the other calls need it. Again after every reconnect, since the
    // engine may have been upgraded. Errors: kInvalid where no version is common.
    [[nodiscard]] Task<Result<Version>> negotiate(std::optional<Duration> timeout = {});

    [[nodiscard]] Task<Result<std::vector<Container>>> list();
    [[nodiscard]] Task<Result<Container>> inspect(std::string id);
    // Errors: kConflict where the container is paused already or not running; kNotFound.
    [[nodiscard]] Task<Result<Outcome>> pause(std::string id);
    // Errors: kConflict where it is not paused; kNotFound.
    [[nodiscard]] Task<Result<Outcome>> unpause(std::string id);
    // kAlready where it runs. Docker's start also ends a cancelled restart policy.
    [[nodiscard]] Task<Result<Outcome>> start(std::string id);
    // The stop signal, then SIGKILL after `grace` (whole seconds, rounded up); returns when it is
    // down. kAlready where it was. Cancels the restart policy.
    [[nodiscard]] Task<Result<Outcome>> stop(std::string id, Duration grace);
    [[nodiscard]] Task<Result<Outcome>> restart(std::string id, Duration grace);
    // Errors: kConflict where it runs.
    [[nodiscard]] Task<Result<Outcome>> remove(std::string id, bool volumes);
    // Docker's kill: cancels the restart policy. Errors: kConflict where it is not running.
    [[nodiscard]] Task<Result<Outcome>> kill(std::string id, std::string signal);

    // Runs a program inside a container, without a shell, and waits for its end; its output is cut
    // after 64 KiB. Errors: kNotFound, kConflict (the container does not run), kUnavailable (also
    // where it takes longer than `timeout`; the program is then left alone, and not started again
    // before it has ended). kInternal: it prints more than 1 MiB.
    struct Executed {
        std::int64_t exit_code = 0;
        std::string output;
    };
    [[nodiscard]] Task<Result<Executed>> execute(std::string id, std::vector<std::string> command,
                                                 Duration timeout);

    // Container events from now on; see Transport::stream.
    [[nodiscard]] Task<Result<>> events(std::function<void()> on_open,
                                        std::function<void(Event)> on_event);

    [[nodiscard]] const std::string& path() const { return transport_.path(); }

private:
    [[nodiscard]] Task<Result<Reply>> call(std::string operation, std::string method,
                                           std::string target, Duration patience = {},
                                           std::string body = {});
    // `patience`: how much longer than usual the engine may take to answer.
    [[nodiscard]] Task<Result<Outcome>> post(std::string operation, std::string id,
                                             std::string query, Duration patience = {});

    [[nodiscard]] std::string exec_path(const std::string& exec) const {
        return "/v" + api_ + "/exec/" + exec;
    }

    Transport transport_;
    std::map<std::string, std::string> unfinished_;  // execs, by container and program
    Observer observer_;
    std::string api_ = "1.24";
};

}  // namespace chaos::docker
