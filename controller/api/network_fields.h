// The fields of a network fault under the names that manifests give them: listed once, for whatever
// writes or reads them (journal, status). `visit(name, value)` is called for each field; values
// that are structs have fields of their own. Works on const and on mutable faults.
#pragma once

#include "controller/api/is_a.h"
#include "controller/api/network.h"

namespace chaos {

template <IsA<Delay> T, class Visit>
void visit_fields(T& delay, Visit&& visit) {
    visit("latency", delay.latency);
    visit("jitter", delay.jitter);
    visit("correlation", delay.correlation);
    visit("distribution", delay.distribution);
}

template <IsA<Share> T, class Visit>
void visit_fields(T& share, Visit&& visit) {
    visit("percent", share.percent);
    visit("correlation", share.correlation);
}

template <IsA<GilbertElliott> T, class Visit>
void visit_fields(T& model, Visit&& visit) {
    visit("p", model.p);
    visit("r", model.r);
    visit("one_minus_h", model.one_minus_h);
    visit("one_minus_k", model.one_minus_k);
}

template <IsA<FourState> T, class Visit>
void visit_fields(T& state, Visit&& visit) {
    visit("p13", state.p13);
    visit("p31", state.p31);
    visit("p32", state.p32);
    visit("p23", state.p23);
    visit("p14", state.p14);
}

template <IsA<Reorder> T, class Visit>
void visit_fields(T& reorder, Visit&& visit) {
    visit_fields(reorder.share, visit);
    visit("gap", reorder.gap);
}

template <IsA<Bandwidth> T, class Visit>
void visit_fields(T& bandwidth, Visit&& visit) {
    visit("rate", bandwidth.rate);
    visit("burst", bandwidth.burst);
    visit("latency", bandwidth.latency);
}

template <IsA<Ports> T, class Visit>
void visit_fields(T& ports, Visit&& visit) {
    visit("first", ports.first);
    visit("last", ports.last);
}

template <IsA<Peers> T, class Visit>
void visit_fields(T& peers, Visit&& visit) {
    visit("services", peers.services);
    visit("cidrs", peers.cidrs);
    visit("hostnames", peers.hostnames);
    visit("ports", peers.ports);
    visit("protocols", peers.protocols);
}

template <IsA<PeerAddresses> T, class Visit>
void visit_fields(T& addresses, Visit&& visit) {
    visit("to", addresses.to);
    visit("except", addresses.except);
    visit("partition", addresses.partition);
    visit("networks", addresses.networks);
}

// All but the action, which is the fault's type.
template <IsA<NetworkFault> T, class Visit>
void visit_fields(T& fault, Visit&& visit) {
    visit("delay", fault.delay);
    visit("loss", fault.loss);
    visit("duplicate", fault.duplicate);
    visit("corrupt", fault.corrupt);
    visit("reorder", fault.reorder);
    visit("bandwidth", fault.bandwidth);
    visit("partition", fault.partition);
    visit("direction", fault.direction);
    visit("to", fault.to);
    visit("except", fault.except);
    visit("interfaces", fault.interfaces);
}

}  // namespace chaos
