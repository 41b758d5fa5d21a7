// Doing something in another network namespace.
#pragma once

#include <functional>
#include <string>

#include "controller/api/error.h"

namespace chaos::network {

// An open network namespace, which lives as long as this does.
class Namespace {
public:
    // `path`: such as /proc/PID/ns/net. Errors: kNotFound (the process has ended), kPermission,
    // kUnavailable.
    [[nodiscard]] static Result<Namespace> open(const std::string& path);

    Namespace(Namespace&& other) noexcept;
    Namespace& operator=(Namespace&& other) noexcept;
    Namespace(const Namespace&) = delete;
    Namespace& operator=(const Namespace&) = delete;
    ~Namespace();

    // What tells it from others: containers that share a namespace have it in common.
    [[nodiscard]] unsigned long inode() const { return inode_; }

    // Runs `work` in there, on a thread of its own that ends with it: a thread that could not come
    // back would do the next work in the wrong place. Returns when it has ended. Errors: of
    // entering the namespace; `work` was then not run.
    [[nodiscard]] Result<> run(const std::function<void()>& work) const;

private:
    Namespace(int fd, unsigned long inode) : fd_(fd), inode_(inode) {}

    int fd_ = -1;
    unsigned long inode_ = 0;
};

// Where a process's network namespace is opened.
[[nodiscard]] std::string namespace_path(int pid);

// The inode of a process's network namespace; 0 where there is no such process.
[[nodiscard]] unsigned long namespace_of(int pid);

// Whether it is that of this process or of the host's first one: what happens there happens to the
// host.
[[nodiscard]] bool is_of_host(const Namespace& space);

}  // namespace chaos::network
