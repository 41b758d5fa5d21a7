#include "reconcilers/network/rtnetlink.h"

#include <libmnl/libmnl.h>
#include <linux/if.h>
#include <linux/pkt_sched.h>
#include <linux/rtnetlink.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <functional>
#include <limits>

#include "reconcilers/network/attributes.h"

namespace chaos::network {
namespace {

constexpr std::size_t kBuffer = 64UL * 1024;
constexpr std::uint32_t kHtbTickShift = 6;  // psched ticks of 64 ns (net/pkt_sched.h)

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

}  // namespace

struct Rtnetlink::Socket {
    explicit Socket(mnl_socket* opened) : raw(opened) {}
    Socket(const Socket&) = delete;
    Socket& operator=(const Socket&) = delete;
    ~Socket() { mnl_socket_close(raw); }

    using OnMessage = std::function<void(const nlmsghdr*)>;

    // Sends one request and reads until its end: an acknowledgement, an error, or the end of a
    // dump.
    Result<> talk(nlmsghdr* request, const std::string& doing, const OnMessage& on_message) {
        request->nlmsg_seq = ++sequence;
        if (mnl_socket_sendto(raw, request, request->nlmsg_len) < 0) {
            return from_errno(errno, doing, "");
        }
        std::vector<char> buffer(kBuffer);
        for (;;) {
            const auto size = mnl_socket_recvfrom(raw, buffer.data(), buffer.size());
            if (size < 0) return from_errno(errno, doing, "");
            int left = static_cast<int>(size);
            const auto* message = reinterpret_cast<const nlmsghdr*>(buffer.data());
            for (; mnl_nlmsg_ok(message, left); message = mnl_nlmsg_next(message, &left)) {
                if (message->nlmsg_seq != sequence) continue;
                if (message->nlmsg_type == NLMSG_DONE) return {};
                if (message->nlmsg_type == NLMSG_ERROR) {
                    const auto* error =
                        static_cast<const nlmsgerr*>(mnl_nlmsg_get_payload(message));
                    if (error->error == 0) return {};
                    return from_errno(-error->error, doing, words_of(message));
                }
                if (on_message) on_message(message);
            }
        }
    }

    mnl_socket* raw;
    std::uint32_t sequence = 0;
};

namespace {

class Request {
public:
    Request(std::uint16_t type, std::uint16_t flags)
        : header_(mnl_nlmsg_put_header(bytes_.data())) {
        header_->nlmsg_type = type;
        header_->nlmsg_flags = static_cast<std::uint16_t>(NLM_F_REQUEST | flags);
    }

    nlmsghdr* get() { return header_; }
    template <class T>
    T* put() {
        return static_cast<T*>(mnl_nlmsg_put_extra_header(header_, sizeof(T)));
    }
    void put(std::uint16_t type, std::string_view payload) {
        mnl_attr_put(header_, type, payload.size(), payload.data());
    }

private:
    std::array<char, kBuffer> bytes_{};
    nlmsghdr* header_;
};

tcmsg* put_header(Request& request, int interface, std::uint32_t parent, std::uint32_t handle) {
    auto* header = request.put<tcmsg>();
    header->tcm_family = AF_UNSPEC;
    header->tcm_ifindex = interface;
    header->tcm_parent = parent;
    header->tcm_handle = handle;
    return header;
}

// tc's conversion: the time that `bytes` take at `rate`, in ticks.
std::uint32_t ticks_of(std::uint64_t rate, std::uint32_t bytes) {
    const double nanoseconds = 1e9 * bytes / static_cast<double>(std::max<std::uint64_t>(rate, 1));
    const double ticks = nanoseconds / (1U << kHtbTickShift);
    return static_cast<std::uint32_t>(
        std::min(ticks, static_cast<double>(std::numeric_limits<std::uint32_t>::max())));
}

}  // namespace

Result<Rtnetlink> Rtnetlink::open() {
    auto* raw = mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC);
    if (raw == nullptr) return from_errno(errno, "rtnetlink: open", "");
    auto socket = std::make_shared<Socket>(raw);
    if (mnl_socket_bind(raw, 0, MNL_SOCKET_AUTOPID) < 0) {
        return from_errno(errno, "rtnetlink: bind", "");
    }
    int on = 1;
    mnl_socket_setsockopt(raw, NETLINK_EXT_ACK, &on, sizeof on);
    return Rtnetlink{std::move(socket)};
}

Result<std::vector<Interface>> Rtnetlink::interfaces() {
    std::vector<Interface> found;
    Request request{RTM_GETLINK, NLM_F_DUMP};
    request.put<ifinfomsg>()->ifi_family = AF_UNSPEC;
    auto ok = socket_->talk(request.get(), "list interfaces", [&](const nlmsghdr* message) {
        const auto* header = static_cast<const ifinfomsg*>(mnl_nlmsg_get_payload(message));
        Interface interface{header->ifi_index, "", (header->ifi_flags & IFF_LOOPBACK) != 0};
        const std::string_view payload{static_cast<const char*>(mnl_nlmsg_get_payload(message)),
                                       mnl_nlmsg_get_payload_len(message)};
        Attributes attributes{payload.substr(std::min(sizeof(ifinfomsg), payload.size()))};
        while (const auto attribute = attributes.next()) {
            if (attribute->type != IFLA_IFNAME) continue;
            interface.name = attribute->payload.substr(0, attribute->payload.find('\0'));
        }
        found.push_back(std::move(interface));
    });
    if (!ok) return std::unexpected(ok.error());
    return found;
}

Result<std::vector<Observed>> Rtnetlink::qdiscs() {
    std::vector<Observed> found;
    Request request{RTM_GETQDISC, NLM_F_DUMP};
    put_header(request, 0, 0, 0);
    auto ok = socket_->talk(request.get(), "list qdiscs", [&](const nlmsghdr* message) {
        const std::string_view payload{static_cast<const char*>(mnl_nlmsg_get_payload(message)),
                                       mnl_nlmsg_get_payload_len(message)};
        if (auto observed = decode_qdisc(payload)) found.push_back(std::move(*observed));
    });
    if (!ok) return std::unexpected(ok.error());
    return found;
}

Result<> Rtnetlink::put_qdisc(int interface, std::uint32_t parent, std::uint32_t handle,
                              const Discipline& discipline) {
    if (std::holds_alternative<Htb>(discipline)) {
        const auto there = has_qdisc(interface, handle);
        if (!there) return std::unexpected(there.error());
        if (*there) return {};
    }
    // Without NLM_F_REPLACE the kernel changes the discipline of the same handle and kind in place;
    // NLM_F_CREATE makes it where there is none.
    Request request{RTM_NEWQDISC, NLM_F_ACK | NLM_F_CREATE};
    put_header(request, interface, parent, handle);
    const std::string kind{kind_of(discipline)};
    request.put(TCA_KIND, {kind.c_str(), kind.size() + 1});
    request.put(TCA_OPTIONS, encode_options(discipline));
    return socket_->talk(request.get(), "put qdisc " + kind, {});
}

Result<> Rtnetlink::put_class(int interface, std::uint32_t parent, std::uint32_t id,
                              std::uint64_t rate, std::uint32_t burst) {
    Request request{RTM_NEWTCLASS, NLM_F_ACK | NLM_F_CREATE};
    put_header(request, interface, parent, id);
    request.put(TCA_KIND, {"htb\0", 4});
    tc_htb_opt options{};
    options.rate.rate = options.ceil.rate = static_cast<std::uint32_t>(
        std::min<std::uint64_t>(rate, std::numeric_limits<std::uint32_t>::max()));
    options.buffer = options.cbuffer = ticks_of(rate, burst);
    auto* nested = mnl_attr_nest_start(request.get(), TCA_OPTIONS);
    mnl_attr_put(request.get(), TCA_HTB_RATE64, sizeof rate, &rate);
    mnl_attr_put(request.get(), TCA_HTB_CEIL64, sizeof rate, &rate);
    mnl_attr_put(request.get(), TCA_HTB_PARMS, sizeof options, &options);
    mnl_attr_nest_end(request.get(), nested);
    return socket_->talk(request.get(), "put class htb", {});
}

Result<> Rtnetlink::remove_qdisc(int interface, std::uint32_t parent, std::uint32_t handle) {
    Request request{RTM_DELQDISC, NLM_F_ACK};
    put_header(request, interface, parent, handle);
    auto removed = socket_->talk(request.get(), "remove qdisc", {});
    if (removed) return {};
    // The kernel has several words for "not there", some of which also mean other things.
    const auto there = has_qdisc(interface, handle);
    return there && !*there ? Result<>{} : removed;
}

Result<bool> Rtnetlink::has_qdisc(int interface, std::uint32_t handle) {
    const auto all = qdiscs();
    if (!all) return std::unexpected(all.error());
    return std::ranges::any_of(*all, [&](const Observed& observed) {
        return observed.interface == interface && observed.handle == handle;
    });
}

}  // namespace chaos::network
