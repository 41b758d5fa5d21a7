#include "controller/app/token.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <sstream>

#include "controller/telemetry/log.h"
#include "reconcilers/container/descriptor.h"

namespace chaos::app {

std::string read_token(const std::string& path) {
    if (path.empty()) return {};
    const auto refuse = [&](const char* why) {
        log::error("no request on TCP may change anything",
                   {{"http.token_file", path}, {"why", why}});
        return std::string{};
    };
    const Descriptor file{::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)};
    struct stat info{};
    if (file.get() < 0 || ::fstat(file.get(), &info) != 0) return refuse("it cannot be opened");
    if (!S_ISREG(info.st_mode)) return refuse("expected a regular file");
    if ((info.st_mode & 077U) != 0) return refuse("others may read it; expected mode 0600");
    if (info.st_uid != 0 && info.st_uid != ::geteuid()) {
        return refuse("expected it to be owned by root or by the controller's user");
    }
    std::array<char, 4096> text{};
    const auto n = ::read(file.get(), text.data(), text.size());
    std::istringstream words{
        std::string{text.data(), static_cast<std::size_t>(std::max<ssize_t>(n, 0))}};
    std::string token;
    words >> token;
    constexpr std::size_t kShortest = 16;
    return token.size() >= kShortest ? token : refuse("expected at least 16 characters");
}

bool carries_token(std::string_view authorization, std::string_view token) {
    constexpr std::string_view kScheme = "Bearer ";
    if (token.empty() || !authorization.starts_with(kScheme)) return false;
    authorization.remove_prefix(kScheme.size());
    unsigned differ = authorization.size() == token.size() ? 0 : 1;
    for (std::size_t i = 0; i < token.size(); ++i) {
        const char given = i < authorization.size() ? authorization[i] : '\0';
        differ |= static_cast<unsigned char>(given) ^ static_cast<unsigned char>(token[i]);
    }
    return differ == 0;
}

}  // namespace chaos::app
