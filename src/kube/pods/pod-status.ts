import type { Address } from "../../net/address.ts";
import { timestamp } from "../clock.ts";
import type { Condition, ContainerState, NodeObject, Pod, PodStatus } from "../kinds.ts";

/** What the pod runner knows of one container. */
export type ContainerRun = {
  restartCount: number;
  state: ContainerState;
  lastState: ContainerState;
};

/** The status a kubelet would report of the pod as it runs now. */
export function podStatus(
  pod: Pod,
  runs: ReadonlyMap<string, ContainerRun>,
  place: { addresses: readonly Address[]; node: NodeObject | undefined },
  nowMs: number,
): PodStatus {
  const phase = phaseOf(pod, [...runs.values()]);
  const ips = place.addresses.map((ip) => ({ ip }));
  const hostIps = internalAddresses(place.node).map((ip) => ({ ip }));
  const before = pod.status;
  const allReady =
    phase === "Running" && [...runs.values()].every(({ state }) => state.running !== undefined);
  const unready = phase === "Succeeded" ? "PodCompleted" : "ContainersNotReady";
  const conditions = conditionsOf(before?.conditions ?? [], timestamp(nowMs), {
    PodScheduled: [true, ""],
    PodReadyToStartContainers: [ips.length > 0, ""],
    Initialized: [true, ""],
    ContainersReady: [allReady, unready],
    Ready: [allReady, unready],
  });
  return {
    phase,
    conditions,
    ...(hostIps[0] && { hostIP: hostIps[0].ip, hostIPs: hostIps }),
    ...(ips[0] && { podIP: ips[0].ip, podIPs: ips }),
    startTime: before?.startTime ?? timestamp(nowMs),
    qosClass: before?.qosClass ?? "BestEffort",
    containerStatuses: pod.spec.containers.map(({ name, image = "" }) => {
      const run = runs.get(name)!;
      const running = run.state.running !== undefined;
      return {
        name,
        image,
        imageID: "",
        ready: running,
        started: running,
        restartCount: run.restartCount,
        state: run.state,
        lastState: run.lastState,
      };
    }),
  };
}

function phaseOf(pod: Pod, runs: readonly ContainerRun[]): NonNullable<PodStatus["phase"]> {
  const ended = runs.map(({ state }) => state.terminated);
  if (ended.every((end) => end !== undefined) && pod.spec.restartPolicy !== "Always") {
    if (ended.every((end) => end.exitCode === 0)) return "Succeeded";
    if (pod.spec.restartPolicy === "Never") return "Failed";
  }
  const begun = ({ state, restartCount, lastState }: ContainerRun) =>
    state.running || state.terminated || lastState.terminated || restartCount > 0;
  return runs.every(begun) ? "Running" : "Pending";
}

export function internalAddresses(node: NodeObject | undefined): Address[] {
  return (node?.status?.addresses ?? [])
    .filter(({ type }) => type === "InternalIP")
    .map(({ address }) => address as Address);
}

/** A condition's transition time stays while its status does. Conditions of others are kept. */
function conditionsOf(
  before: readonly Condition[],
  now: string,
  wanted: Record<string, [holds: boolean, reason: string]>,
): Condition[] {
  const own = Object.entries(wanted).map(([type, [holds, reason]]): Condition => {
    const status = holds ? "True" : "False";
    const last = before.find((one) => one.type === type);
    const lastTransitionTime = last?.status === status ? (last.lastTransitionTime ?? now) : now;
    return { type, status, ...(!holds && reason !== "" && { reason }), lastTransitionTime };
  });
  return [...before.filter(({ type }) => !(type in wanted)), ...own];
}
