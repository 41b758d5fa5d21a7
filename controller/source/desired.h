// The desired set: what the files mean, once deletions are confirmed, half-written files have come
// to rest and duplicate names are settled. Pure; time is an argument.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "controller/api/experiment.h"
#include "controller/source/scanner.h"

namespace chaos::source {

inline constexpr Duration kQuiet = std::chrono::milliseconds{200};  // before an error is reported
inline constexpr Duration kSecondLook = std::chrono::milliseconds{50};  // before an absence counts
inline constexpr Duration kGitPatience = std::chrono::seconds{5};  // for a held .git/index.lock

struct Good {
    Experiment experiment;
    std::string digest;
    std::string text;
    std::string path;
    int document = 0;

    friend bool operator==(const Good&, const Good&) = default;
};

// What is known under one experiment's name.
struct Entry {
    std::shared_ptr<const Good> good;   // the last valid version; null where there is none
    std::vector<std::string> problems;  // rendered; of the file as it is now
    std::string path;                   // of the file as it is now
    int document = 0;
    std::optional<TimePoint> missing_since;
    bool generated = false;  // by the controller: no file holds it

    // What it was taken from; the same file again needs no second look.
    std::shared_ptr<const File> file;

    friend bool operator==(const Entry& a, const Entry& b) {
        const bool same_good =
            a.good == b.good || (a.good != nullptr && b.good != nullptr && *a.good == *b.good);
        return same_good && a.problems == b.problems && a.path == b.path &&
               a.document == b.document && a.missing_since == b.missing_since;
    }
};

// A document that belongs to no experiment: nameless, or a duplicate.
struct Stray {
    std::string path;
    int document = 0;
    std::string name;  // where it has one
    std::vector<std::string> problems;

    friend bool operator==(const Stray&, const Stray&) = default;
};

class Desired {
public:
    // An experiment known from an earlier life of the controller; before the first update.
    void seed(const std::string& name, std::shared_ptr<const Good> good);

    // Experiments that no file holds, by name; a file that claims such a name is refused.
    using Generated = std::map<std::string, std::shared_ptr<const Good>>;
    void generate(Generated generated) { generated_ = std::move(generated); }

    struct Update {
        std::set<std::string> changed;  // names whose entry is new, other or gone
        bool strays_changed = false;
        std::optional<TimePoint> look_again;
    };

    // Takes in one scan. `closed` are the paths whose writer was seen to close them or to move them
    // into place: their content is complete.
    [[nodiscard]] Update update(const Scan& scan, const std::set<std::string>& closed,
                                TimePoint now);

    [[nodiscard]] const std::map<std::string, Entry>& entries() const { return entries_; }
    [[nodiscard]] const std::vector<Stray>& strays() const { return strays_; }
    // Why the root cannot be read; "" if it can. Entries are then as they were.
    [[nodiscard]] const std::string& unavailable() const { return unavailable_; }

private:
    struct Claim {
        std::string path;
        const manifest::Document* document;
        std::shared_ptr<const File> file;
    };
    using Claims = std::map<std::string, std::vector<Claim>>;

    [[nodiscard]] static bool claimed_by(const Claims& claims, const std::string& name,
                                         const std::string& path);
    void take_claims(const std::string& name, const std::vector<Claim>& claims, bool owner_settled);
    void take(const std::string& name, const Claim& claim);
    void refuse(const std::string& name, const Claim& claim, const std::string& other);
    void keep_last_good(const std::set<std::string>& broken);
    void drop_absent(const std::set<std::string>& present, const Scan& scan, TimePoint now);
    void take_generated(std::set<std::string>& present);
    [[nodiscard]] std::set<std::string> retire_generated();
    void look_at(TimePoint time);
    // When the file's content counts.
    [[nodiscard]] TimePoint settled_at(const std::string& path,
                                       const std::shared_ptr<const File>& file, bool just_closed,
                                       TimePoint now);

    // By path: files that count already, though they are younger than kQuiet, since their writer
    // was seen to close them.
    std::map<std::string, std::shared_ptr<const File>> closed_;
    std::map<std::string, Entry> entries_;
    Generated generated_;
    std::vector<Stray> strays_;
    std::string unavailable_;
    std::optional<TimePoint> look_again_;
};

}  // namespace chaos::source
