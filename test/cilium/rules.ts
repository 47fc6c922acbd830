/**
 * What Cilium's BGP control plane and LB-IPAM do, rule by rule, and where it is tested: the file and
 * words of the test's title (for a table of cases, of its rows).
 */
type Rule = { rule: string; tests: [file: string, title: string][] };

const operator = "src/cilium/operator.test.ts";
const compile = "src/cilium/compile.test.ts";
const adverts = "src/cilium/advertisements.test.ts";
const addresses = "src/cilium/node-addresses.test.ts";
const exports = "src/cilium/service/service-exports.test.ts";
const status = "src/cilium/status.test.ts";
const legacy = "src/cilium/legacy-policy.test.ts";
const ipam = "src/cilium/lb-ipam/lb-ipam.test.ts";
const sharing = "src/cilium/lb-ipam/requests-and-sharing.test.ts";
const conflicts = "src/cilium/lb-ipam/conflicts-and-restart.test.ts";
const validate = "src/cilium/schema/validate.test.ts";
const pools = "src/cilium/schema/pools-and-policies.test.ts";
const configure = "src/bgp/speaker/configure.test.ts";
const agent = "test/system/cilium-agent.test.ts";
const routerId = "src/cilium/router-id.test.ts";
const routerIdPool = "src/cilium/router-id-pool.test.ts";

const rule = (name: string, ...tests: Rule["tests"]): Rule => ({ rule: name, tests });

export const rules: readonly Rule[] = [
  // Operator.
  rule("a selected node has a NodeConfig of its name, owned by the ClusterConfig", [
    operator,
    "a NodeConfig of the node's name, owned by the ClusterConfig as its controller",
  ]),
  rule("no nodeSelector selects all nodes", [operator, "no nodeSelector selects all nodes"]),
  rule("the first owner of a node wins, and the later config alone says so", [
    operator,
    "the later config is skipped and alone says so; its nodes count as matching",
  ]),
  rule("ownership is by UID", [operator, "ownership is by UID"]),
  rule("a node no longer selected loses its NodeConfig", [
    operator,
    "a node that is no longer selected, or is gone, loses its NodeConfig",
  ]),
  rule("a NodeConfig is updated only where its spec differs", [
    operator,
    "a NodeConfig is updated only where its spec differs",
  ]),
  rule("overrides by instance and peer name", [
    operator,
    "routerID, localPort, localASN by instance name; localAddress by peer name",
  ]),
  rule("an override's peers[].localPort is not applied", [
    operator,
    "peers[].localPort is in the CRD but not applied",
  ]),
  rule("condition NoMatchingNode", [operator, '"NoMatchingNode"']),
  rule("condition MissingPeerConfigs", [
    operator,
    "MissingPeerConfigs lists each missing one once",
  ]),
  rule("condition MissingAuthSecret", [operator, "MissingAuthSecret of a CiliumBGPPeerConfig"]),
  rule("conditions are sorted by type", [
    operator,
    "are sorted by type, and others' conditions stay",
  ]),
  rule("router-ID pool: one for each node and instance, first to last", [
    routerIdPool,
    "one for each node and instance, from the first address to the last, both included",
  ]),
  rule("router-ID pool: restored and freed", [
    routerIdPool,
    "restored from the CiliumBGPNodeConfigs that are there; freed when one is deleted",
  ]),
  rule("router-ID pool: overrides", [
    routerIdPool,
    "an override inside the pool must be free, outside it is free-form",
  ]),
  rule("without status reports conditions are taken away", [
    operator,
    "const silent = { ...after, statusReport: false };",
  ]),
  rule("without status reports the node's status is taken away", [
    agent,
    "an agent without status reports takes away what one with them said",
  ]),
  // Instances.
  rule("another AS number, port or router ID starts the instance over", [
    configure,
    '["local ASN", configA({ originate, localAsn: 65009 })]',
  ]),
  rule("nothing of a peer enters the loc-rib; it is counted and shown", [
    "src/bgp/speaker/speaker.test.ts",
    "keep, count and show routes that the import policy rejects, and use none",
  ]),
  rule("the first UPDATEs before End-of-RIB are whole", [
    "src/bgp/speaker/speaker.test.ts",
    "send the first routes in one UPDATE for each attribute set, then End-of-RIB",
  ]),
  rule("ORIGIN igp, local AS, and the session's address as next hop", [
    "src/bgp/rib/export.test.ts",
    "gives own routes the local AS and the session's address",
  ]),
  rule("LOCAL_PREF to internal peers only", [
    "src/bgp/rib/export.test.ts",
    "sets MED, communities and prepending as the policy says, and no LOCAL_PREF",
  ]),
  rule("IPv4 over an IPv6 session has an IPv6 next hop", [
    "src/bgp/speaker/ipv6-next-hop.test.ts",
    "are sent, used and withdrawn over an IPv6 session, beside the IPv6 ones",
  ]),
  rule("capabilities of an OPEN", [
    "test/cilium/open-capabilities.test.ts",
    "an OPEN has the capabilities that Cilium's has",
  ]),
  rule("a peer of AS 0 may have any", [
    "src/bgp/session/session.test.ts",
    "of any AS where none is configured",
  ]),
  rule("an instance listens only with a localPort", [
    compile,
    "listens only where localPort is set",
  ]),
  rule("router ID: InternalIP first", [routerId, "InternalIP comes first"]),
  rule("router ID: else the last ExternalIP", [routerId, "else the last ExternalIP"]),
  rule("router ID: else any but CiliumInternalIP", [
    routerId,
    "else any other but CiliumInternalIP",
  ]),
  rule("router ID: else the MAC address of cilium_host", [
    routerId,
    "else the last four bytes of the MAC address of cilium_host",
  ]),
  rule("errors of one instance hold up no other", [
    compile,
    "one that fails does not hold up another",
  ]),
  // Peers.
  rule("peerASN is required", [compile, '"peerASN is required"']),
  rule("a peer without an address is skipped", [
    compile,
    "without peerAddress a peer is skipped, but its paths are in the loc-rib",
  ]),
  rule("no peerConfigRef: both families, nothing advertised", [
    compile,
    "no peerConfigRef: ipv6 and ipv4 unicast, and nothing advertised",
  ]),
  rule("a missing PeerConfig skips the peer", [
    compile,
    "a peerConfigRef to nothing: the peer is skipped",
  ]),
  rule("a missing Secret is an empty password, without a word", [
    compile,
    "no such secret: an empty password, silently",
  ]),
  rule("a Secret without the key is an error", [compile, "a secret without the key: an error"]),
  rule("a Secret that changes starts the session over", [
    agent,
    "a password that changes: the session comes again with the new one",
  ]),
  rule("ebgpMultihop of 1 or less is off", [compile, "ebgpMultihop %d: TTL"]),
  rule("localAddress of the override comes before sourceInterface", [
    addresses,
    "the override's localAddress comes before it",
  ]),
  rule("sourceInterface needs exactly one usable address", [
    addresses,
    "none or several: the peer is skipped with a warning",
  ]),
  rule("a local address of the wrong family", [
    addresses,
    "a local address of the wrong family is an error that names the peer",
  ]),
  rule("gracefulRestart", [compile, "gracefulRestart only where enabled"]),
  rule("a NodeConfig goes with its ClusterConfig, by garbage collection", [
    "src/kube/controllers/controllers.test.ts",
    "goes with its owner in the background",
  ]),
  rule("another export policy is told as a difference", [
    configure,
    "sends only what another export policy changes",
  ]),
  rule("another address, AS number or timer starts the peer over", [
    configure,
    "comes back with the new values",
  ]),
  rule("an agent that stops says nothing to a peer that restarts gracefully", [
    configure,
    "graceful: without a word to a peer that keeps the routes",
  ]),
  rule("an instance that goes says Cease", [
    configure,
    "ends all with Cease/Administrative Shutdown, and does nothing more",
  ]),
  rule("the first OPEN after a start has the restart bit", [
    "src/bgp/speaker/graceful-restart.test.ts",
    "says so in the first OPEN and not after the first session",
  ]),
  // Auto-discovery.
  rule("the default route of the lowest metric", [
    addresses,
    "the route of the lowest metric wins",
  ]),
  rule("of equal metrics the first", [addresses, "of equal metrics the first in table order"]),
  rule("only a device that is up counts", [addresses, '["unknown", "down", "dormant"']),
  rule("a link-local gateway is passed over", [
    addresses,
    "a link-local gateway is skipped with a warning",
  ]),
  rule("without a candidate there is no session", [
    addresses,
    "no candidate: no address, so no session",
  ]),
  rule("two peers of one family come to one address", [
    addresses,
    "two peers of one family come to one address: the second is an error",
  ]),
  rule("peerAddress comes before auto-discovery", [
    addresses,
    "an address that is given is not looked for",
  ]),
  // Advertisements.
  rule("no advertisements selector: nothing", [adverts, '"no selector: none"']),
  rule("an empty advertisements selector: everything", [adverts, '"the empty selector: all"']),
  rule("communities are there once, whatever their spelling", [
    adverts,
    "4260495460 is 65010:100 again, and 65535:65281 is no-export: each value once.",
  ]),
  rule("names of statements", [exports, "Service-"]),
  rule("one loc-rib, and an export policy for each peer", [
    adverts,
    "the loc-rib is the union over peers; what each gets is in its own policy",
  ]),
  rule("statements by priority and name", [
    adverts,
    "one statement for each family, in order of priority and name",
  ]),
  rule("a node without podCIDR", [adverts, "a node without podCIDR has nothing to advertise"]),
  rule("two PodCIDR advertisements of a peer: the last wins", [
    adverts,
    "two for one peer are not merged: the last writer wins",
  ]),
  rule("PodCIDR only with ipam kubernetes and cluster-pool", [
    addresses,
    "PodCIDR is for the ipam modes kubernetes and cluster-pool only",
  ]),
  rule("pod IP pools by label and pseudo-label", [
    addresses,
    "the CIDRs the node has of the pools selected, by label and by pseudo-label",
  ]),
  rule("interfaces that are up, or unknown", [addresses, "up: %s, operational state: %s"]),
  rule("every global unicast address of an interface", [
    addresses,
    "every global unicast address as a host route; IPv4 link-local too, IPv6 link-local not",
  ]),
  rule("a Service's selector: nil nothing, {} all", [
    exports,
    "nil selects nothing, {} everything",
  ]),
  rule("a Service's pseudo-labels", [exports, "the pseudo-labels of name and namespace"]),
  rule("frontends by type of address", [
    exports,
    "LoadBalancerIP is status.loadBalancer.ingress, ClusterIP all clusterIPs",
  ]),
  rule("load-balancer class", [exports, "load-balancer class %s"]),
  rule("externalTrafficPolicy Local", [exports, "only with an active backend on this node"]),
  rule("internalTrafficPolicy Local", [
    exports,
    "internalTrafficPolicy Local decides about the ClusterIP, and not about the others",
  ]),
  rule("active is ready and not terminating", [exports, "active is ready and not terminating"]),
  rule("no endpoints, policy Cluster", [
    exports,
    "advertised unless enable-no-service-endpoints-routable is false",
  ]),
  rule("Services of Ingress and Gateway API are advertised regardless", [
    exports,
    '{ "cilium.io/ingress": "true" }',
  ]),
  rule("aggregation", [exports, "the length takes the place of /32 and /128, with priority 41"]),
  rule("no aggregation with policy Local", [exports, "ignored where the traffic policy is Local"]),
  rule("one aggregate of two Services", [
    exports,
    "one aggregate of two Services: the first by statement name wins",
  ]),
  rule("a shared address stays while one Service keeps it", [
    exports,
    "a shared address stays as long as one Service keeps it",
  ]),
  rule("overlap: communities united, highest local preference", [
    exports,
    "communities are united and sorted, and the highest local preference counts",
  ]),
  rule("headless Services and those of another proxy", [
    exports,
    "service.kubernetes.io/service-proxy-name",
  ]),
  // Status.
  rule("BGPReconcileError", [status, "True with every error, by instance"]),
  rule("BGPReconcileError is at most 32 KiB", [status, "at most 32 KiB, whole lines only"]),
  rule("peers, timers and route counts", [status, "an established session"]),
  rule("without an API server sessions and routes stay", [
    agent,
    "the API server is gone: sessions and routes stay, and all catches up when it is back",
  ]),
  rule("with the control plane's node gone sessions and routes stay", [
    "test/system/outside-client.test.ts",
    "the control plane's node stops: no API, sessions and routes stay, all catches up",
  ]),
  // The legacy policy.
  rule("more than one policy for a node", [
    legacy,
    "more than one policy that selects the node is an error",
  ]),
  rule("a policy comes before the NodeConfig", [
    agent,
    "a legacy policy comes before the CiliumBGPNodeConfig",
  ]),
  rule("annotation of a virtual router", [legacy, "annotation cilium.io/bgp-virtual-router.ASN"]),
  rule("peerAddress in CIDR form", [legacy, "the peer address is in CIDR form"]),
  rule("default serviceAdvertisements", [legacy, "default serviceAdvertisements: LoadBalancerIP"]),
  // LB-IPAM.
  rule("dormant until the first pool", [ipam, "dormant until the first pool"]),
  rule("dormant again without pools", [ipam, "dormant again without pools"]),
  rule("responsible by class", [ipam, "class %s, default-lb-service-ipam lbipam"]),
  rule("a class that leaves: ingress cleared", [
    ipam,
    "a class that leaves the set: ingress cleared, condition removed",
  ]),
  rule("a cidr from first to last", [ipam, "a cidr from first to last, both included"]),
  rule("start and stop", [ipam, "start and stop; stop left out is one address"]),
  rule("allowFirstLastIPs", [
    ipam,
    "allowFirstLastIPs No reserves the first and the last of a cidr",
  ]),
  rule("allowFirstLastIPs: not of small blocks", [ipam, "but not of /31, /32, /127, /128"]),
  rule("allowFirstLastIPs revokes nothing", [ipam, "No turned on later does not revoke"]),
  rule("the smallest free block first", [ipam, "the smallest free block first"]),
  rule("a disabled pool keeps what it gave", [
    ipam,
    "nothing new is allocated, and what there is stays",
  ]),
  rule("a range that is removed", [ipam, "a range that is removed takes its addresses with it"]),
  rule("a selector that changes", [ipam, "a selector that changes: the address goes"]),
  rule("requested IPs by both annotations", [sharing, '"io.cilium/lb-ipam-ips"']),
  rule("requested IP by spec.loadBalancerIP", [sharing, "by spec.loadBalancerIP"]),
  rule("a request that no pool has", [sharing, "one that no pool has"]),
  rule("a request whose pool does not select the Service", [
    sharing,
    "one whose pool does not select the Service",
  ]),
  rule("a request that is taken", [sharing, "one that is taken, until it is free"]),
  rule("a request of a reserved address", [sharing, "one that is reserved"]),
  rule("several requests that fail: the last is told", [
    sharing,
    "of several that cannot be had the last is told",
  ]),
  ...[
    "different sharing key",
    "different and not permitted namespace",
    "same port and protocol",
    "different ExternalTrafficPolicy",
    "compatible ExternalTrafficPolicy local but selecting different set of pods",
  ].map((reason) => rule(`already_allocated_incompatible_service: ${reason}`, [sharing, reason])),
  rule("no_pool: of a family that no pool has", [
    ipam,
    "one family is there and the other is not: what there is, and the condition",
  ]),
  rule("out_of_ips", [ipam, "False out_of_ips All enabled CiliumLoadBalancerIPPools"]),
  rule("sharing by key", [sharing, "the same key and other ports: one address"]),
  rule("sharing: both spellings", [sharing, "the other spelling of the annotations"]),
  rule("sharing: the same port", [
    sharing,
    "the same port and protocol: another address is added to the key's set",
  ]),
  rule("sharing across namespaces", [sharing, "across namespaces where both permit it"]),
  rule("sharing with policy Local", [
    sharing,
    "with externalTrafficPolicy Local the selectors must be there and be equal",
  ]),
  rule("IP families of a Service", [ipam, "only families that are enabled"]),
  rule("LB-IPAM's metrics", ["src/agent/metrics.test.ts", "the operator's metrics"]),
  rule("the BGP metrics", [
    "src/agent/metrics.test.ts",
    "Cilium's metrics with its labels, and those that guides name",
  ]),
  rule("the newer of two pools that overlap", [
    conflicts,
    "the newer of two pools that overlap is in conflict",
  ]),
  rule("a conflict that ends is unmarked", [conflicts, "what there is stays; unmarked by itself"]),
  rule("a pool that overlaps itself", [conflicts, "a pool that overlaps itself"]),
  rule("a pool in conflict is in nobody's way", [
    conflicts,
    "a pool in conflict is in nobody's way",
  ]),
  rule("reserved addresses are used ones", [ipam, "what is reserved is counted as used"]),
  rule("counts as conditions", [conflicts, "counts are conditions of status Unknown"]),
  rule("after a restart what Services have is taken up first", [
    conflicts,
    "existing ingress IPs are taken up before anything new is allocated",
  ]),
  // Resources.
  rule("unknown fields", [validate, "an unknown field, at any depth, with the nearest known one"]),
  rule("rules across the fields of an advertisement", [
    validate,
    "service field is required for the 'Service' advertisementType",
  ]),
  rule("keepalive and hold time", [
    validate,
    "keepAliveTimeSeconds can not be larger than holdTimeSeconds, defaults included",
  ]),
  rule("CiliumPodIPPool v2 is not served", [pools, "v2 is defined but not served"]),
  rule("a CiliumBGPPeerPolicy names the right resource", [
    "src/kube/server/cilium-resources.test.ts",
    "CiliumBGPPeerPolicy is taken with a warning that names the right resources",
  ]),
  // Pods and what leaves the cluster.
  rule("multi-pool IPAM gives nodes what they ask for", [
    "src/cilium/pod-pool-allocation.test.ts",
    "nodes that ask get the lowest free CIDRs of the mask size",
  ]),
  rule("multi-pool IPAM: what no pod needs is given back", [
    "src/kube/pods/pod-pools.test.ts",
    "a CIDR that no pod has an address of any more is given back, another is kept",
  ]),
  rule("multi-pool IPAM: CIDRs of a deleted pool stay as long as they are used", [
    "src/kube/pods/pod-pools.test.ts",
    "CIDRs of a pool that is gone stay as long as pods use them",
  ]),
  rule("multi-pool IPAM: which pool a pod's address is of", [
    "src/kube/pods/pod-pool-choice.test.ts",
    "annotations come before selectors",
  ]),
  rule("egress gateway: the first ready node by name", [
    addresses,
    "the first ready node by name that the selector matches is the gateway",
  ]),
  rule("egress gateway: policies that are left out", [
    "src/cilium/egress-plan.test.ts",
    "a policy with %s is left out, and it is said why",
  ]),
  rule("egress gateway: the interface that traffic leaves by", [
    "test/system/outside-client.test.ts",
    "egress gateway: by a named interface and its routes alone, in both address families",
  ]),
  rule("egress gateway: an egress IP that no interface has is dropped", [
    "src/cilium/egress-plan.test.ts",
    "a gateway that has not its egress IP drops the traffic, and says so",
  ]),
  rule("egress gateway: an egress IP that no interface has is not advertised", [
    addresses,
    "an egress IP that no interface has is not advertised, and no other node takes it over",
  ]),
  rule("egress gateway: pods leave with the egress IP", [
    "test/system/outside-client.test.ts",
    "egress gateway: seen by the egress IP from every node",
  ]),
];

/** What people get wrong, or what happens to them, and where it is shown to be told and survived. */
export const badInput: readonly Rule[] = [
  rule("unknown fields: a warning, or refused where that is asked for", [
    "src/kube/server/api-server.test.ts",
    "a broken schema is 422 with causes, unknown fields a warning or 400",
  ]),
  rule("a CIDR that is none", [
    pools,
    "a cidr that is none, and a word that is neither Yes nor No",
  ]),
  rule("a block of a pool that cannot be used", [
    ipam,
    "what is wrong with a block is told, and the others are used",
  ]),
  rule("a podCIDR that is none", [adverts, "a podCIDR that is none is an error"]),
  rule("load-balancer pools that overlap", [
    conflicts,
    "the newer of two pools that overlap is in conflict",
  ]),
  rule("pod IP pools that overlap", [
    "src/cilium/pod-pool-allocation.test.ts",
    "pools that overlap: no CIDR is given twice",
  ]),
  rule("a Secret without the key", [compile, "a secret without the key: an error"]),
  rule("a Secret that is not there", [operator, "MissingAuthSecret of a CiliumBGPPeerConfig"]),
  rule("a PeerConfig that is not there", [
    compile,
    "a peerConfigRef to nothing: the peer is skipped",
  ]),
  rule("a pod IP pool that is not there", [
    "src/kube/pods/pod-pools.test.ts",
    "there is no CiliumPodIPPool blue",
  ]),
  rule("an egress interface that is not there", [
    "src/cilium/egress-plan.test.ts",
    "nothing, of an interface that is not there",
  ]),
  rule("a peer address of another family than the local one", [
    addresses,
    "a local address of the wrong family is an error that names the peer",
  ]),
  rule("an address that is none", [compile, "an address that is none is an error"]),
  rule("a node without podCIDR", [
    adverts,
    "a node without podCIDR has nothing to advertise, which is no error",
  ]),
  rule("the API server is gone for a while", [
    agent,
    "the API server is gone: sessions and routes stay, and all catches up when it is back",
  ]),
  rule("the control plane's node is gone", [
    "test/system/outside-client.test.ts",
    "the control plane's node stops: no API, sessions and routes stay, all catches up",
  ]),
  rule("thousands of changes at once", [
    agent,
    "thousands of changes at once end in what the last of them says",
  ]),
];
