#include "controller/source/scanner.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <cstring>
#include <memory>
#include <optional>

#include "controller/api/clock.h"

namespace chaos::source {
namespace {

constexpr int kMaxDepth = 16;

struct Close {
    void operator()(DIR* dir) const { ::closedir(dir); }
};

std::optional<std::string> real_path(const std::string& path) {
    std::string buffer(PATH_MAX, '\0');
    if (::realpath(path.c_str(), buffer.data()) == nullptr) return std::nullopt;
    buffer.resize(std::strlen(buffer.c_str()));
    return buffer;
}

bool exists(const std::string& path) { return ::access(path.c_str(), F_OK) == 0; }

// A checkout holds index.lock of the repository that the directory is part of: in it or above.
bool git_locked(std::string directory) {
    for (int i = 0; i < kMaxDepth && !directory.empty(); ++i) {
        if (exists(directory + "/.git")) return exists(directory + "/.git/index.lock");
        directory.erase(directory.find_last_of('/'));
    }
    return false;
}

manifest::Document problem_document(std::string message) {
    manifest::Document document;
    document.problems.push_back({{0, 0}, "", std::move(message)});  // of the whole file
    return document;
}

// At most one byte more than is allowed: the decoder says what is too large.
std::optional<std::string> read_bounded(const std::string& path, std::string& problem) {
    // O_NONBLOCK: a FIFO that took the file's place since stat must not hang us.
    const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0) {
        problem = std::string{"cannot be read: "} + std::strerror(errno);
        return std::nullopt;
    }
    std::string text(manifest::kMaxFileBytes + 1, '\0');
    std::size_t size = 0;
    ssize_t n = 0;
    while (size < text.size() && (n = ::read(fd, text.data() + size, text.size() - size)) > 0) {
        size += static_cast<std::size_t>(n);
    }
    ::close(fd);
    if (n < 0) {
        problem = std::string{"cannot be read: "} + std::strerror(errno);
        return std::nullopt;
    }
    text.resize(size);
    return text;
}

// What cannot be read is not what is not there. One that is gone by now is, below the root.
void note_unreadable(Scan& scan, const std::string& shown, int depth) {
    const std::string why = std::strerror(errno);
    if (depth == 0) {
        scan.unavailable = shown + ": " + why;
    } else if (errno != ENOENT && errno != ENOTDIR) {
        scan.unreadable[shown] = why;
    }
}

bool is_directory(const dirent& entry, const std::string& path) {
    if (entry.d_type != DT_UNKNOWN) return entry.d_type == DT_DIR;
    struct stat info{};
    return ::lstat(path.c_str(), &info) == 0 && S_ISDIR(info.st_mode);
}

long nanoseconds(const timespec& t) { return t.tv_sec * 1'000'000'000L + t.tv_nsec; }

}  // namespace

bool is_manifest_name(std::string_view name) {
    if (name.starts_with('.')) return false;
    for (const std::string_view ending : {".yaml", ".yml"}) {
        if (!name.ends_with(ending)) continue;
        name.remove_suffix(ending.size());
        return !name.empty() && !name.ends_with(".status");
    }
    return false;
}

std::string Scanner::resolve(const std::string& path, std::string& problem) const {
    const auto real = real_path(path);
    if (!real) {
        problem = std::string{"cannot be resolved: "} + std::strerror(errno);
        return {};
    }
    if (!real->starts_with(resolved_root_ + "/")) {
        problem = "leads out of the manifests directory, to " + *real;
        return {};
    }
    return *real;
}

void Scanner::decode_into(File& file, const std::string& text) const {
    try {
        file.documents = manifest::decode(text, custom_);
    } catch (const std::exception& bug) {
        // It must not end the watching of all the others.
        file.documents = {problem_document(std::string{"cannot be decoded: a bug: "} + bug.what())};
    }
}

void Scanner::visit(const std::string& path, bool regular, const std::string& shown, TimePoint now,
                    Scan& scan) {
    std::string problem;
    // In a directory that is resolved a regular file is where it seems to be: a thousand of them
    // are looked at every ten seconds.
    const auto real = regular ? path : resolve(path, problem);
    struct stat info{};
    if (problem.empty() && ::stat(real.c_str(), &info) != 0) {
        if (errno == ENOENT) return;  // gone since the directory was read
        problem = std::string{"cannot be read: "} + std::strerror(errno);
    }
    if (problem.empty() && !S_ISREG(info.st_mode)) problem = "is not a regular file";
    Stamp stamp;
    if (problem.empty()) {
        stamp = {info.st_dev, info.st_ino, info.st_size, nanoseconds(info.st_mtim),
                 nanoseconds(info.st_ctim)};
    }
    const auto it = cache_.find(shown);
    const bool known = it != cache_.end() && it->second.stamp == stamp && problem.empty();
    if (!known) {
        // The file system's time is the wall clock's, `now` is not: what counts is the file's age.
        const Duration age = wall_now() - TimePoint{Duration{stamp.modified_ns}};
        File fresh{{}, now - age, now};
        if (problem.empty()) {
            if (const auto text = read_bounded(real, problem)) decode_into(fresh, *text);
        }
        if (!problem.empty()) fresh.documents = {problem_document(problem)};
        // The same problem again is the same content: its time of first sight stays.
        const bool same = it != cache_.end() && it->second.file->documents == fresh.documents;
        if (same) fresh.seen = it->second.file->seen;
        cache_[shown] = {stamp, std::make_shared<const File>(std::move(fresh))};
    }
    scan.files[shown] = cache_[shown].file;
}

void Scanner::walk(const std::string& directory, const std::string& shown, int depth, TimePoint now,
                   Scan& scan) {
    const std::unique_ptr<DIR, Close> dir{::opendir(directory.c_str())};
    if (!dir) {
        note_unreadable(scan, shown, depth);
        return;
    }
    scan.directories.push_back(directory);
    for (errno = 0;; errno = 0) {
        const dirent* entry = ::readdir(dir.get());
        if (entry == nullptr) break;
        const std::string name = entry->d_name;
        const auto path = directory + "/" + name;
        if (is_directory(*entry, path)) {
            if (!name.starts_with('.') && depth < kMaxDepth) {
                walk(path, shown + "/" + name, depth + 1, now, scan);
            }
        } else if (depth == 0 && name == kHaltFile) {
            scan.halt = true;
        } else if (is_manifest_name(name)) {
            visit(path, entry->d_type == DT_REG, shown + "/" + name, now, scan);
        }
    }
    if (errno != 0) note_unreadable(scan, shown, depth);
}

std::string Scanner::replaced(const Scan& scan) {
    struct stat info{};
    if (::stat(resolved_root_.c_str(), &info) != 0) return {};
    const Identity now{resolved_root_, info.st_dev, info.st_ino};
    if (!scan.files.empty() || !filled_ || filled_->path != now.path) {
        filled_ = now;
        return {};
    }
    if (*filled_ == now) return {};
    return root_ + ": was replaced by an empty directory (unmounted?)";
}

void Scanner::set_custom(CustomActions custom) {
    if (custom == custom_) return;
    custom_ = std::move(custom);
    cache_.clear();
}

Scan Scanner::scan(TimePoint now) {
    Scan scan;
    const auto real = real_path(root_);
    if (!real) {
        scan.unavailable = root_ + ": " + std::strerror(errno);
        return scan;
    }
    resolved_root_ = *real;
    scan.git_locked = git_locked(*real);
    walk(*real, root_, 0, now, scan);
    if (scan.unavailable.empty()) scan.unavailable = replaced(scan);
    std::erase_if(cache_, [&](const auto& item) { return !scan.files.contains(item.first); });
    return scan;
}

}  // namespace chaos::source
