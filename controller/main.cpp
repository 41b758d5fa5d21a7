#include "controller/app/daemon.h"
#include "controller/app/options.h"

int main(int argc, char** argv) {
    const auto parsed = chaos::app::parse_options(argc, argv);
    if (parsed.exit_code >= 0) return parsed.exit_code;
    return parsed.options.guard ? chaos::app::run_guard(parsed.options)
                                : chaos::app::run_daemon(parsed.options);
}
