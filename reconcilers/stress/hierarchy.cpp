#include "reconcilers/stress/hierarchy.h"

#include <algorithm>
#include <charconv>
#include <optional>

#include "reconcilers/stress/text.h"

namespace chaos::stress {
namespace {

// The hierarchy of that line of /proc/PID/cgroup.
bool serves(const Hierarchy& hierarchy, const Membership& membership) {
    if (membership.controllers.empty()) return hierarchy.unified;
    if (hierarchy.unified) return false;
    bool all = true;
    each_part(membership.controllers, ',', [&](std::string_view controller) {
        all = all && std::ranges::find(hierarchy.options, controller) != hierarchy.options.end();
    });
    return all;
}

// The path within a mount that shows the hierarchy from `root` on.
std::optional<std::string> below(const std::string& root, const std::string& path) {
    if (path.starts_with("/..")) return std::nullopt;
    if (root == "/") return path;
    if (path == root) return "/";
    if (path.starts_with(root + "/")) return path.substr(root.size());
    return std::nullopt;
}

// Spaces and the like in mountinfo are written as \040.
std::string unescape(std::string_view text) {
    std::string plain;
    for (std::size_t i = 0; i < text.size(); ++i) {
        unsigned value = 0;
        const auto digits = text.substr(i + 1, 3);
        const auto [end, ec] =
            std::from_chars(digits.data(), digits.data() + digits.size(), value, 8);
        if (text[i] == '\\' && ec == std::errc{} && end == digits.data() + 3 && value < 256) {
            plain += static_cast<char>(value);
            i += 3;
        } else {
            plain += text[i];
        }
    }
    return plain;
}

}  // namespace

std::vector<Membership> parse_memberships(std::string_view cgroup_file) {
    std::vector<Membership> memberships;
    each_part(cgroup_file, '\n', [&](std::string_view line) {
        const auto first = line.find(':');
        const auto second = line.find(':', first + 1);
        if (first == std::string_view::npos || second == std::string_view::npos) return;
        const auto path = line.substr(second + 1);
        if (!path.starts_with('/')) return;
        memberships.push_back(
            {std::string{line.substr(first + 1, second - first - 1)}, std::string{path}});
    });
    return memberships;
}

std::vector<Hierarchy> parse_hierarchies(std::string_view mountinfo) {
    std::vector<Hierarchy> hierarchies;
    each_part(mountinfo, '\n', [&](std::string_view line) {
        // proc(5): ID parent major:minor root mount options [optional…] - type source super
        const auto dash = line.find(" - ");
        if (dash == std::string_view::npos) return;
        std::vector<std::string_view> front;
        std::vector<std::string_view> back;
        each_part(line.substr(0, dash), ' ', [&](auto part) { front.push_back(part); });
        each_part(line.substr(dash + 3), ' ', [&](auto part) { back.push_back(part); });
        if (front.size() < 5 || back.size() < 3) return;
        const bool unified = back[0] == "cgroup2";
        if (!unified && back[0] != "cgroup") return;
        Hierarchy hierarchy{unescape(front[4]), unescape(front[3]), unified, {}};
        each_part(back[2], ',', [&](auto part) { hierarchy.options.emplace_back(part); });
        hierarchies.push_back(std::move(hierarchy));
    });
    return hierarchies;
}

Result<std::vector<Group>> locate(const std::vector<Membership>& memberships,
                                  const std::vector<Hierarchy>& hierarchies) {
    std::vector<Group> groups;
    for (const auto& membership : memberships) {
        const Hierarchy* mounted = nullptr;
        std::optional<std::string> directory;
        for (const auto& hierarchy : hierarchies) {
            if (!serves(hierarchy, membership)) continue;
            mounted = &hierarchy;
            directory = below(hierarchy.root, membership.path);
            if (directory) break;
        }
        // Nobody is kept by a group that everybody is in.
        if (mounted == nullptr && membership.path == "/") continue;
        const auto what = "control group " + membership.path + " of " +
                          (membership.controllers.empty() ? "version 2" : membership.controllers);
        if (mounted == nullptr) {
            return fail(ErrorCode::kInvalid, what + ": its hierarchy is not mounted");
        }
        if (!directory) {
            return fail(ErrorCode::kInvalid,
                        what + " is not visible below " + mounted->mount +
                            "; a controller in a container needs --cgroupns=host and the host's "
                            "/sys/fs/cgroup");
        }
        groups.push_back({membership.controllers, mounted->mount, *directory});
    }
    return groups;
}

}  // namespace chaos::stress
