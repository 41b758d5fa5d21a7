// The manifests directory and its status files, read as they are: what chaosctl knows without
// asking a controller.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "controller/api/error.h"
#include "controller/ctl/context.h"
#include "controller/manifest/decode.h"

namespace chaos::ctl {

struct Item {
    std::string name;
    std::string path;  // of the manifest; empty where only a status file is left
    std::optional<manifest::Document> document;
    manifest::Node status;   // the whole status document; null where there is none
    bool duplicate = false;  // the name's status is that of another file

    // A field of the status, "" where there is none: field("phase").
    [[nodiscard]] std::string field(std::string_view key) const;
};

// Every experiment by name, also those whose manifest is gone while its status is kept, and
// documents without a readable name under their file's name. Errors: kNotFound where the directory
// cannot be read.
[[nodiscard]] Result<std::vector<Item>> load_catalog(const Context& context);

// The documents of the files and directories that a person gives ("-": standard input). nullopt
// where one cannot be read or any of them is invalid; the problems are then on context.err.
[[nodiscard]] std::optional<std::vector<manifest::Document>> read_valid_documents(
    const Context& context, const std::vector<std::string>& paths);

// The complaint about a name that no experiment has; returns the exit code.
int not_found(const Context& context, const std::string& name);

}  // namespace chaos::ctl
