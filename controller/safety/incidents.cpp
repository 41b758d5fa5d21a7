#include "controller/safety/incidents.h"

#include <cctype>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>

#include "controller/json/json.h"

namespace chaos::safety {
namespace {

std::string percent_encoded(std::string_view text) {
    constexpr std::string_view kHex = "0123456789ABCDEF";
    std::string out;
    for (const char c : text) {
        const auto byte = static_cast<unsigned char>(c);
        if (std::isalnum(byte) != 0 || c == '-' || c == '_' || c == '.') {
            out += c;
        } else {
            out += '%';
            out += kHex[byte >> 4U];
            out += kHex[byte & 0xfU];
        }
    }
    return out;
}

}  // namespace

Result<std::vector<std::string>> read_incident_file(const std::string& path) {
    std::error_code ec;
    const auto directory = std::filesystem::path{path}.parent_path();
    if (!directory.empty() && !std::filesystem::is_directory(directory, ec)) {
        return fail(ErrorCode::kUnavailable, path + ": its directory is not there");
    }
    const auto status = std::filesystem::status(path, ec);
    if (status.type() == std::filesystem::file_type::not_found) return std::vector<std::string>{};
    // Opening a pipe would wait for whoever writes it.
    if (status.type() != std::filesystem::file_type::regular) {
        return fail(ErrorCode::kUnavailable, path + ": expected a regular file");
    }
    std::ifstream file{path};
    std::string line;
    if (!file) return fail(ErrorCode::kUnavailable, path + ": cannot be read");
    if (!std::getline(file, line)) {
        if (file.bad()) return fail(ErrorCode::kUnavailable, path + ": cannot be read");
        return std::vector<std::string>{};
    }
    constexpr std::size_t kShown = 200;
    return std::vector<std::string>{line.substr(0, kShown) + " (" + path + ")"};
}

std::string alerts_query(const std::vector<std::string>& matchers) {
    std::string query =
        "/api/v2/alerts?active=true&silenced=false&inhibited=false&unprocessed=true";
    for (const auto& matcher : matchers) query += "&filter=" + percent_encoded(matcher);
    return query;
}

Result<std::vector<std::string>> parse_alerts(std::string_view json) {
    const auto document = json::Document::parse(json);
    if (!document) return wrap("Alertmanager", document.error());
    if (!document->root().is_array()) {
        return fail(ErrorCode::kInvalid, "Alertmanager: the answer is not a list of alerts");
    }
    std::vector<std::string> incidents;
    for (const auto& alert : document->root().items()) {
        const auto labels = alert["labels"];
        auto text = labels["alertname"].string().value_or("alert");
        const auto instance = labels["instance"].string();
        incidents.push_back(instance ? text + " on " + *instance : text);
    }
    return incidents;
}

}  // namespace chaos::safety
