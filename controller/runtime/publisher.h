// Which status file says what: for every experiment, and for documents that belong to none.
#pragma once

#include <map>
#include <set>
#include <string>

#include "controller/runtime/status_writer.h"
#include "controller/source/desired.h"
#include "controller/status/status.h"

namespace chaos::runtime {

class Publisher {
public:
    // `directory`: where all status files go; empty: beside each manifest.
    Publisher(std::string directory, StatusWriter& writer)
        : directory_(std::move(directory)), writer_(writer) {}

    // Writes the status of an experiment where its manifest is (or was); moves the file when the
    // manifest has moved. Nothing is written where nothing but time has changed.
    void publish(const status::Facts& facts, TimePoint now);

    // Removes the status file of an experiment that is forgotten.
    void forget(const std::string& name);

    // Rejected documents without an experiment of their own; files of former ones are removed.
    void publish_strays(const std::vector<source::Stray>& strays, TimePoint now);

private:
    struct Published {
        std::string path;
        std::vector<status::Transition> transitions;  // of what was written last
    };

    [[nodiscard]] std::string beside(const std::string& manifest_path,
                                     const std::string& name) const;
    [[nodiscard]] std::string stray_path(const source::Stray& stray) const;
    [[nodiscard]] bool taken(const std::string& path) const;
    void write(Published& published, const std::string& path, const status::Facts& facts,
               TimePoint now);

    std::string directory_;
    StatusWriter& writer_;
    std::map<std::string, Published> experiments_;  // by name
    std::map<std::string, Published> strays_;       // by status path
};

}  // namespace chaos::runtime
