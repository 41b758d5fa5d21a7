// A look at the manifests directory: which files there are and what they decode to. Reads the file
// system, decides nothing.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "controller/api/time.h"
#include "controller/manifest/decode.h"

namespace chaos::source {

// `*.yaml` or `*.yml`, not hidden, not a status file.
[[nodiscard]] bool is_manifest_name(std::string_view name);

struct File {
    std::vector<manifest::Document> documents;
    TimePoint modified;  // by the clock of `now` in scan()
    TimePoint seen;      // when this content was first looked at

    friend bool operator==(const File&, const File&) = default;
};

struct Scan {
    std::string unavailable;  // why the root cannot be read; "" if it can
    // By path: the root as given, and the rest below it. A file that has not changed is the same
    // object as in the scan before.
    std::map<std::string, std::shared_ptr<const File>> files;
    std::map<std::string, std::string> unreadable;  // directories below the root, and why
    std::vector<std::string> directories;           // all of them, resolved, for watching
    bool halt = false;                              // a file of the name kHaltFile is in the root
    bool git_locked = false;  // a .git/index.lock exists: a checkout is under way
};

// Its presence in the root stops everything.
inline constexpr std::string_view kHaltFile = "HALT";

// Decoded files are kept between scans and read again only when their inode, size or times change.
class Scanner {
public:
    explicit Scanner(std::string root) : root_(std::move(root)) {}

    // `now` by the boot clock.
    [[nodiscard]] Scan scan(TimePoint now);
    // The action types that the configuration adds; every file is decoded anew with them.
    void set_custom(CustomActions custom);
    [[nodiscard]] const std::string& root() const { return root_; }

private:
    struct Stamp {
        unsigned long device = 0;
        unsigned long inode = 0;
        long size = 0;
        long modified_ns = 0;
        long changed_ns = 0;

        friend bool operator==(const Stamp&, const Stamp&) = default;
    };
    struct Cached {
        Stamp stamp;
        std::shared_ptr<const File> file;
    };

    void walk(const std::string& directory, const std::string& shown, int depth, TimePoint now,
              Scan& scan);
    void visit(const std::string& path, bool regular, const std::string& shown, TimePoint now,
               Scan& scan);
    void decode_into(File& file, const std::string& text) const;
    [[nodiscard]] std::string resolve(const std::string& path, std::string& problem) const;

    // The root, in which there was something, is another directory now, in which there is nothing:
    // unmounted, or moved away. "" otherwise.
    [[nodiscard]] std::string replaced(const Scan& scan);

    struct Identity {
        std::string path;  // resolved: a link that leads elsewhere now is a swap of the tree
        unsigned long device = 0;
        unsigned long inode = 0;

        friend bool operator==(const Identity&, const Identity&) = default;
    };

    std::string root_;
    CustomActions custom_;
    std::string resolved_root_;
    std::optional<Identity> filled_;       // the root in which manifests were last seen
    std::map<std::string, Cached> cache_;  // by shown path
};

}  // namespace chaos::source
