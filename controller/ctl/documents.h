// Manifests that a person names on the command line, read as the controller reads them.
#pragma once

#include <string>
#include <vector>

#include "controller/manifest/decode.h"

namespace chaos::ctl {

struct Named {
    std::string path;  // of the file; "-" is standard input
    manifest::Document document;
};

// Every document of files and directories, in order. What cannot be read is a document with a
// problem.
[[nodiscard]] std::vector<Named> read_documents(const std::vector<std::string>& paths,
                                                const CustomActions& custom);

}  // namespace chaos::ctl
