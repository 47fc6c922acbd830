import { informer } from "../kube/client/informer.ts";
import type { KubeClient } from "../kube/client/kube-client.ts";
import { systemClock } from "../kube/clock.ts";
import { dumpNetworkState } from "../sys/network-dump.ts";
import { NetworkWatch } from "../sys/network-watch.ts";
import type { Edges, NodeEdges } from "./edges.ts";
import { EgressKernel } from "./egress-kernel.ts";
import { KernelView } from "./kernel-view.ts";
import type { Log } from "./log.ts";
import { SpeakerHost } from "./speaker-host.ts";

/** Those of a process. */
export function systemEdges(client: KubeClient): Edges {
  return {
    clock: {
      ...systemClock,
      monotonicMs: () => performance.now(),
      unixAtZeroMs: performance.timeOrigin,
    },
    random: Math.random,
    client,
    informer: (resource, options) => informer(client, resource, options),
  };
}

/** Those of a process in its node's network namespace. */
export function systemNodeEdges(client: KubeClient, log: Log): NodeEdges {
  const kernel = new KernelView(log);
  const edges = systemEdges(client);
  return {
    ...edges,
    network: dumpNetworkState,
    watchNetwork: (onChange) => new NetworkWatch(onChange),
    newEgress: (egressLog) => new EgressKernel(edges.clock, egressLog),
    newSpeaker: (config, options) => new SpeakerHost(config, { ...options, kernel }),
  };
}
