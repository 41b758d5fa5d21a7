// Integration tests need the engine that test/run.sh starts. Without it they are skipped, loudly;
// in CI (CHAOS_REQUIRE_ALL) that is a failure.
#define CATCH_CONFIG_RUNNER
#include "test/support/catch.h"

#include <cstdlib>
#include <iostream>

namespace {

constexpr int kSkipped = 77;  // what CMake's SKIP_RETURN_CODE is set to

}  // namespace

int main(int argc, char** argv) {
    Catch::Session session;
    const int parsed = session.applyCommandLine(argc, argv);
    if (parsed != 0) return parsed;
    const bool listing = session.configData().listTests || session.configData().listTestNamesOnly ||
                         session.configData().listTags || session.configData().listReporters;
    if (!listing && std::getenv("CHAOS_TEST_DOCKER") == nullptr) {
        std::cout
            << "skipped: no engine was started for the tests; run them by make test, as root, "
               "with docker.io installed\n";
        return std::getenv("CHAOS_REQUIRE_ALL") == nullptr ? kSkipped : 1;
    }
    return session.run();
}
