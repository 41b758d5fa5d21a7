// Errors as values. A function that can fail for a reason outside the program returns Result<T>;
// exceptions are left to bugs and to the yaml-cpp edge.
#pragma once

#include <expected>
#include <string>
#include <string_view>
#include <utility>

namespace chaos {

// Answers the one question a caller that did not cause the error has: is trying again of any use?
enum class ErrorCode {
    kUnavailable,  // may pass by itself (engine away, timeout, busy): retry with backoff
    kNotFound,     // the object is gone; for a target an observed fact, not a failure
    kConflict,     // the object is in another state than the call needs (Docker's 409)
    kPermission,   // refused by the kernel or by Docker; retried, since an operator can mend it
    kInvalid,      // the input is wrong: terminal until it changes
    kUnsupported,  // this host's kernel cannot do it: terminal for this run
    kInternal,     // a foreign reply made no sense, or a bug
};

struct Error {
    ErrorCode code = ErrorCode::kInternal;
    std::string context;  // "web-1: pause: container is not running"; no period at the end

    [[nodiscard]] bool retryable() const {
        return code != ErrorCode::kInvalid && code != ErrorCode::kUnsupported;
    }

    friend bool operator==(const Error&, const Error&) = default;
};

template <class T = void>
using Result = std::expected<T, Error>;

[[nodiscard]] inline std::unexpected<Error> fail(ErrorCode code, std::string context) {
    return std::unexpected(Error{code, std::move(context)});
}

// Adds what the caller was doing in front: wrap("web-1: pause", error).
[[nodiscard]] inline std::unexpected<Error> wrap(std::string_view doing, Error error) {
    error.context.insert(0, ": ").insert(0, doing);
    return std::unexpected(std::move(error));
}

}  // namespace chaos
