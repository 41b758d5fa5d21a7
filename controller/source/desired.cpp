#include "controller/source/desired.h"

#include <algorithm>
#include <utility>

namespace chaos::source {
namespace {

std::vector<std::string> render_all(const std::string& path,
                                    const std::vector<manifest::Diagnostic>& problems) {
    std::vector<std::string> lines;
    lines.reserve(problems.size());
    for (const auto& problem : problems) lines.push_back(manifest::render(path, problem));
    return lines;
}

bool has_problems(const File& file) {
    return std::ranges::any_of(file.documents, [](const auto& d) { return !d.problems.empty(); });
}

bool lies_below(const std::string& path, const std::map<std::string, std::string>& directories) {
    return std::ranges::any_of(
        directories, [&](const auto& entry) { return path.starts_with(entry.first + "/"); });
}

}  // namespace

void Desired::seed(const std::string& name, std::shared_ptr<const Good> good) {
    auto& entry = entries_[name];
    entry.path = good->path;
    entry.document = good->document;
    entry.good = std::move(good);
}

// A valid one as soon as its writer closed it, a broken one only when nobody has touched it for a
// while. What has counted once goes on to.
TimePoint Desired::settled_at(const std::string& path, const std::shared_ptr<const File>& file,
                              bool just_closed, TimePoint now) {
    const TimePoint quiet = std::min(file->seen, file->modified) + kQuiet;
    if (now >= quiet) {
        closed_.erase(path);
        return quiet;
    }
    if (just_closed && !has_problems(*file)) closed_[path] = file;
    const auto it = closed_.find(path);
    return it != closed_.end() && it->second == file ? file->seen : quiet;
}

void Desired::look_at(TimePoint time) {
    if (!look_again_ || time < *look_again_) look_again_ = time;
}

Desired::Update Desired::update(const Scan& scan, const std::set<std::string>& closed,
                                TimePoint now) {
    look_again_.reset();
    Update update;
    unavailable_ = scan.unavailable;
    if (!unavailable_.empty()) {
        update.changed = retire_generated();
        return update;
    }
    std::erase_if(closed_, [&](const auto& item) { return !scan.files.contains(item.first); });
    const auto before = entries_;
    const auto strays_before = std::exchange(strays_, {});
    Claims claims;
    std::set<std::string> present;
    std::set<std::string> broken;     // files with a document that does not say whose it is
    std::set<std::string> unsettled;  // files that somebody may still be writing
    for (const auto& [path, file] : scan.files) {
        const auto settled = settled_at(path, file, closed.contains(path), now);
        if (now < settled) {
            look_at(settled);
            unsettled.insert(path);
            // Nothing is taken from it yet, but what it names, and what it used to hold, is there.
            for (const auto& document : file->documents) present.insert(document.name);
            continue;
        }
        for (const auto& document : file->documents) {
            if (!document.name.empty()) {
                claims[document.name].push_back({path, &document, file});
            } else {
                broken.insert(path);
                strays_.push_back({path, document.index, "", render_all(path, document.problems)});
            }
        }
    }
    for (const auto& [directory, why] : scan.unreadable) {
        strays_.push_back({directory, 0, "", {directory + ": cannot be read: " + why}});
    }
    std::set<std::string> unclaimed;  // names whose owner is there but does not say so
    for (const auto& [name, entry] : entries_) {
        const bool hidden = lies_below(entry.path, scan.unreadable);
        if (!broken.contains(entry.path) && !unsettled.contains(entry.path) && !hidden) continue;
        present.insert(name);
        if (!unsettled.contains(entry.path) && !claimed_by(claims, name, entry.path)) {
            unclaimed.insert(name);
        }
    }
    take_generated(present);
    for (const auto& [name, list] : claims) {
        present.insert(name);
        if (const auto own = generated_.find(name); own != generated_.end()) {
            for (const auto& claim : list) refuse(name, claim, own->second->path);
            continue;
        }
        const auto known = entries_.find(name);
        const bool owner_silent =
            known != entries_.end() &&
            (unsettled.contains(known->second.path) || unclaimed.contains(name));
        take_claims(name, list, !owner_silent);
    }
    keep_last_good(unclaimed);
    drop_absent(present, scan, now);
    for (const auto& [name, entry] : entries_) {
        const auto it = before.find(name);
        // Another file with the same content, too: its status file may be missing beside it.
        const bool same =
            it != before.end() && it->second == entry && it->second.file == entry.file;
        if (!same) update.changed.insert(name);
    }
    for (const auto& [name, entry] : before) {
        if (!entries_.contains(name)) update.changed.insert(name);
    }
    update.strays_changed = strays_ != strays_before;
    update.look_again = look_again_;
    return update;
}

// While the manifests cannot be seen nothing begins, but what is not generated any more ends.
std::set<std::string> Desired::retire_generated() {
    std::set<std::string> changed;
    for (auto it = entries_.begin(); it != entries_.end();) {
        const auto own = generated_.find(it->first);
        const bool gone = it->second.generated && own == generated_.end();
        const bool edited = it->second.generated && !gone && it->second.good != own->second;
        if (gone || edited) changed.insert(it->first);
        if (edited) it->second.good = own->second;
        it = gone ? entries_.erase(it) : std::next(it);
    }
    return changed;
}

void Desired::take_generated(std::set<std::string>& present) {
    for (const auto& [name, good] : generated_) {
        present.insert(name);
        auto& entry = entries_[name];
        if (entry.good == good) continue;
        entry = Entry{.good = good, .path = good->path, .generated = true};
    }
}

bool Desired::claimed_by(const Claims& claims, const std::string& name, const std::string& path) {
    const auto it = claims.find(name);
    return it != claims.end() &&
           std::ranges::any_of(it->second, [&](const Claim& claim) { return claim.path == path; });
}

// One document a name. The owner is whose path the name had; of newcomers that appear together none
// can be preferred.
void Desired::take_claims(const std::string& name, const std::vector<Claim>& claims,
                          bool owner_settled) {
    const auto known = entries_.find(name);
    if (!owner_settled) {
        for (const auto& claim : claims) refuse(name, claim, known->second.path);
        return;
    }
    if (claims.size() == 1) {
        take(name, claims[0]);
        return;
    }
    const Claim* owner = nullptr;
    for (const auto& claim : claims) {
        if (known != entries_.end() && known->second.path == claim.path &&
            (owner == nullptr || claim.document->index == known->second.document)) {
            owner = &claim;
        }
    }
    for (const auto& claim : claims) {
        if (&claim == owner) {
            take(name, claim);
        } else {
            const auto& other = owner != nullptr               ? *owner
                                : claim.path == claims[0].path ? claims[1]
                                                               : claims[0];
            refuse(name, claim, other.path);
        }
    }
}

void Desired::refuse(const std::string& name, const Claim& claim, const std::string& other) {
    const auto line = claim.path + ": metadata.name: duplicate name \"" + name + "\", also in " +
                      other + "; each experiment needs a name of its own";
    strays_.push_back({claim.path, claim.document->index, name, {line}});
}

void Desired::take(const std::string& name, const Claim& claim) {
    auto& entry = entries_[name];
    const auto& document = *claim.document;
    entry.missing_since.reset();
    if (entry.file == claim.file && entry.document == document.index && entry.path == claim.path) {
        return;
    }
    entry.file = claim.file;
    entry.path = claim.path;
    entry.document = document.index;
    entry.problems = render_all(claim.path, document.problems);
    if (document.experiment) {
        entry.good = std::make_shared<const Good>(
            Good{*document.experiment, document.digest, document.text, claim.path, document.index});
    }
}

// A broken document may be any of those its file used to hold: none of them is taken for deleted,
// and the error is shown with them instead of by itself.
void Desired::keep_last_good(const std::set<std::string>& broken) {
    for (const auto& name : broken) {
        auto& entry = entries_[name];
        entry.missing_since.reset();
        entry.file.reset();  // the problems are no longer those of the document taken
        entry.problems.clear();
        for (auto& stray : strays_) {
            const bool about_it =
                stray.path == entry.path || entry.path.starts_with(stray.path + "/");
            if (!about_it || !stray.name.empty()) continue;
            entry.problems.insert(entry.problems.end(), stray.problems.begin(),
                                  stray.problems.end());
        }
    }
    std::erase_if(strays_, [&](const Stray& stray) {
        return stray.name.empty() && std::ranges::any_of(broken, [&](const auto& name) {
                   return entries_[name].path == stray.path;
               });
    });
}

void Desired::drop_absent(const std::set<std::string>& present, const Scan& scan, TimePoint now) {
    std::vector<std::string> gone;
    for (auto& [name, entry] : entries_) {
        if (present.contains(name)) continue;
        if (entry.generated) {
            gone.push_back(name);
            continue;
        }
        if (!entry.missing_since) entry.missing_since = now;
        const TimePoint confirmed = *entry.missing_since + kSecondLook;
        const TimePoint patience = *entry.missing_since + kGitPatience;
        if (now < confirmed) {
            look_at(confirmed);
        } else if (scan.git_locked && now < patience) {
            look_at(std::min(now + kSecondLook, patience));
        } else {
            gone.push_back(name);
        }
    }
    for (const auto& name : gone) entries_.erase(name);
}

}  // namespace chaos::source
