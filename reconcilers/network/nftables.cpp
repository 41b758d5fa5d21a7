#include "reconcilers/network/nftables.h"

#include <linux/netlink.h>
#include <nftables/libnftables.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <mutex>
#include <string_view>

namespace chaos::network {
namespace {

// libnftables keeps one list of interfaces for the whole process (its iface.c), filled and released
// by whoever runs a command or frees a context: of two threads one would use what the other frees.
std::mutex& one_at_a_time() {
    static std::mutex mutex;
    return mutex;
}

}  // namespace

void Nftables::Free::operator()(nft_ctx* context) const {
    const std::scoped_lock lock{one_at_a_time()};
    nft_ctx_free(context);
}

Result<Nftables> Nftables::open() {
    const std::scoped_lock lock{one_at_a_time()};
    // The library ends the process where it gets no socket (its mnl.c, netlink_open_error).
    const int socket = ::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_NETFILTER);
    if (socket < 0) {
        return fail(ErrorCode::kUnavailable, std::string{"nftables: "} + std::strerror(errno));
    }
    ::close(socket);
    Nftables nftables{nft_ctx_new(NFT_CTX_DEFAULT)};
    if (!nftables.raw_) return fail(ErrorCode::kUnavailable, "nftables: no context");
    nft_ctx_buffer_output(nftables.raw_.get());
    nft_ctx_buffer_error(nftables.raw_.get());
    return nftables;
}

Result<> Nftables::run(const std::string& ruleset) {
    const std::scoped_lock lock{one_at_a_time()};
    if (nft_run_cmd_from_buffer(raw_.get(), ruleset.c_str()) == 0) return {};
    const std::string words = nft_ctx_get_error_buffer(raw_.get());
    const auto says = [&](std::string_view what) { return words.find(what) != std::string::npos; };
    const bool for_now = says("Device or resource busy") || says("Cannot allocate memory") ||
                         says("No buffer space");
    // The first line says what; the rest repeats the ruleset and points into it.
    return fail(for_now ? ErrorCode::kUnavailable : ErrorCode::kInvalid,
                "nftables: " + words.substr(0, words.find('\n')));
}

}  // namespace chaos::network
