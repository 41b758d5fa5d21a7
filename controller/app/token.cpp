#include "controller/app/token.h"

#include <sys/stat.h>

#include <fstream>

#include "controller/telemetry/log.h"

namespace chaos::app {

std::string read_token(const std::string& path) {
    if (path.empty()) return {};
    struct stat info{};
    if (::stat(path.c_str(), &info) != 0) {
        log::error("http.token_file is not there; no request on TCP may change anything",
                   {{"path", path}});
        return {};
    }
    if ((info.st_mode & 077U) != 0) {
        log::error("http.token_file may be read by others; expected mode 0600; not used",
                   {{"path", path}});
        return {};
    }
    std::ifstream file{path};
    std::string token;
    file >> token;
    constexpr std::size_t kShortest = 16;
    if (token.size() >= kShortest) return token;
    log::error("http.token_file holds fewer than 16 characters; not used", {{"path", path}});
    return {};
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
