#include "reconcilers/network/netlink.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <vector>

#include "reconcilers/network/attributes.h"

namespace chaos::network {
namespace {

constexpr std::size_t kBuffer = 64UL * 1024;

std::unexpected<Error> from_errno(int number, const std::string& doing, const std::string& words) {
    const auto code = [&] {
        switch (number) {
            case EPERM:
            case EACCES: return ErrorCode::kPermission;
            case EEXIST: return ErrorCode::kConflict;
            case ENOENT:
            case ENODEV: return ErrorCode::kNotFound;
            case EINVAL:
            case ERANGE:
            case EOPNOTSUPP: return ErrorCode::kInvalid;
            default: return ErrorCode::kUnavailable;
        }
    }();
    return fail(code, doing + ": " + (words.empty() ? std::strerror(number) : words));
}

// The kernel's own explanation (NLMSGERR_ATTR_MSG), where it gives one.
std::string words_of(const nlmsghdr* message) {
    if ((message->nlmsg_flags & NLM_F_ACK_TLVS) == 0) return {};
    const auto* error = static_cast<const nlmsgerr*>(mnl_nlmsg_get_payload(message));
    std::size_t offset = sizeof(nlmsgerr);
    if ((message->nlmsg_flags & NLM_F_CAPPED) == 0) {
        offset += MNL_ALIGN(mnl_nlmsg_get_payload_len(&error->msg));
    }
    const std::string_view all{static_cast<const char*>(mnl_nlmsg_get_payload(message)),
                               mnl_nlmsg_get_payload_len(message)};
    std::string words;
    Attributes attributes{all.substr(std::min(offset, all.size()))};
    while (const auto attribute = attributes.next()) {
        if (attribute->type != NLMSGERR_ATTR_MSG) continue;
        words = attribute->payload.substr(0, attribute->payload.find('\0'));
    }
    return words;
}

std::string_view payload_of(const nlmsghdr* message) {
    return {static_cast<const char*>(mnl_nlmsg_get_payload(message)),
            mnl_nlmsg_get_payload_len(message)};
}

}  // namespace

Result<NetlinkSocket> NetlinkSocket::open(int protocol, const std::string& name) {
    auto* raw = mnl_socket_open2(protocol, SOCK_CLOEXEC);
    if (raw == nullptr) return from_errno(errno, name + ": open", "");
    NetlinkSocket socket{raw};
    if (mnl_socket_bind(raw, 0, MNL_SOCKET_AUTOPID) < 0) {
        return from_errno(errno, name + ": bind", "");
    }
    int on = 1;
    mnl_socket_setsockopt(raw, NETLINK_EXT_ACK, &on, sizeof on);
    return socket;
}

Result<> NetlinkSocket::send(std::string_view bytes, const std::string& doing) {
    if (mnl_socket_sendto(raw_.get(), bytes.data(), bytes.size()) >= 0) return {};
    return from_errno(errno, doing, "");
}

Result<> NetlinkSocket::receive(std::uint32_t first, std::uint32_t last, const std::string& doing,
                                const OnMessage& on_message) {
    std::vector<char> buffer(kBuffer);
    for (;;) {
        const auto size = mnl_socket_recvfrom(raw_.get(), buffer.data(), buffer.size());
        if (size < 0) return from_errno(errno, doing, "");
        int left = static_cast<int>(size);
        const auto* message = reinterpret_cast<const nlmsghdr*>(buffer.data());
        for (; mnl_nlmsg_ok(message, left); message = mnl_nlmsg_next(message, &left)) {
            const auto sequence = message->nlmsg_seq;
            if (sequence < first || sequence > last) continue;
            if (message->nlmsg_type == NLMSG_DONE) return {};
            if (message->nlmsg_type == NLMSG_ERROR) {
                const auto error = read_as<nlmsgerr>(payload_of(message));
                if (error && error->error != 0) {
                    return from_errno(-error->error, doing, words_of(message));
                }
                if (sequence == last) return {};
            } else if (on_message) {
                on_message(message);
            }
        }
    }
}

Result<> NetlinkSocket::talk(nlmsghdr* request, const std::string& doing,
                             const OnMessage& on_message) {
    request->nlmsg_seq = ++sequence_;
    if (auto ok = send({reinterpret_cast<const char*>(request), request->nlmsg_len}, doing); !ok) {
        return ok;
    }
    return receive(sequence_, sequence_, doing, on_message);
}

Result<> NetlinkSocket::talk(const std::vector<Request*>& requests, const std::string& doing) {
    const auto first = sequence_ + 1;
    auto last = first;
    std::string bytes;
    for (auto* request : requests) {
        request->get()->nlmsg_seq = ++sequence_;
        if ((request->get()->nlmsg_flags & NLM_F_ACK) != 0) last = sequence_;
        bytes += request->bytes();
    }
    if (auto ok = send(bytes, doing); !ok) return ok;
    return receive(first, last, doing, {});
}

std::string_view attributes_of(const nlmsghdr* message, std::size_t header) {
    const auto payload = payload_of(message);
    return payload.substr(std::min<std::size_t>(NLMSG_ALIGN(header), payload.size()));
}

std::string text_of(std::string_view payload) {
    return std::string{payload.substr(0, payload.find('\0'))};
}

}  // namespace chaos::network
