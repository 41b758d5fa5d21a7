// The verbs of chaosctl, one file a family. Each returns the exit code (see context.h) and writes
// what users read to context.out, complaints to context.err.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "controller/ctl/context.h"

namespace chaos::ctl {

// Offline: every problem of every file; directories are read as the controller reads them.
int validate(const Context& context, const std::vector<std::string>& paths);

// Who would be hit, when, with which seed. Reads Docker's list of containers; touches nothing.
int plan(const Context& context, const std::string& path, std::optional<std::int64_t> seed);

int get(const Context& context, const std::string& name);
int describe(const Context& context, const std::string& name);

// A field ("spec.targets.mode"), an action type ("container_kill") or "intensity"; "" for the top.
int explain(const Context& context, const std::string& field);

// The editors' JSON Schema, or with `markdown` the reference page of docs/.
int schema(const Context& context, bool markdown);

// Copies experiments into the manifests directory, each validated first; "-" is standard input.
int apply_manifest(const Context& context, const std::string& path);
// Removes the manifest: the running controller then aborts and undoes.
int delete_experiment(const Context& context, const std::string& name);

int version(const Context& context);

}  // namespace chaos::ctl
