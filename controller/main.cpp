#include <sys/resource.h>

#include <csignal>

#include "controller/app/options.h"
#include "controller/app/start.h"

namespace {

// One descriptor a namespace with faults and a stressor, some more a visit: the usual soft limit
// of 1024 would be met with some hundreds of them.
void allow_many_files() {
    rlimit limit{};
    if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
    limit.rlim_cur = limit.rlim_max;
    static_cast<void>(::setrlimit(RLIMIT_NOFILE, &limit));
}

}  // namespace

int main(int argc, char** argv) {
    const auto parsed = chaos::app::parse_options(argc, argv);
    if (parsed.exit_code >= 0) return parsed.exit_code;
    allow_many_files();
    // A log or a custom program that reads no more is an error of the write, not our end.
    std::signal(SIGPIPE, SIG_IGN);
    return parsed.options.guard ? chaos::app::run_guard(parsed.options)
                                : chaos::app::run_daemon(parsed.options);
}
