import type { NodeObject, Pod } from "../kinds.ts";
import type { KubeObject } from "../object.ts";
import {
  age,
  ageColumn,
  column,
  countColumn,
  fieldAt,
  fieldColumn,
  listText,
  nameColumn,
  text,
  wide,
  workloadColumns,
} from "./columns.ts";
import type { Column } from "./resource.ts";

/** Columns of Kubernetes' own kinds, as pkg/printers/internalversion words them. */
export const podColumns: Column[] = [
  nameColumn,
  column("Ready", (pod) => {
    const statuses = (pod as Pod).status?.containerStatuses ?? [];
    return `${statuses.filter((one) => one.ready).length}/${(pod as Pod).spec.containers.length}`;
  }),
  column("Status", (pod) => podStatus(pod as Pod)),
  {
    name: "Restarts",
    type: "string",
    cell: (pod, nowMs) => podRestarts(pod as Pod, nowMs),
  },
  ageColumn,
  wide(fieldColumn("IP", "status.podIP")),
  wide(fieldColumn("Node", "spec.nodeName")),
  wide(fieldColumn("Nominated Node", "status.nominatedNodeName")),
  wide(column("Readiness Gates", () => "<none>")),
];

function podStatus(pod: Pod): string {
  const statuses = pod.status?.containerStatuses ?? [];
  let shown: string = pod.status?.reason ?? pod.status?.phase ?? "Unknown";
  const scheduled = pod.status?.conditions?.find((one) => one.type === "PodScheduled");
  if (scheduled?.reason === "SchedulingGated") shown = "SchedulingGated";
  for (const { state } of statuses.toReversed()) {
    if (state.waiting?.reason) shown = state.waiting.reason;
    else if (state.terminated) {
      shown = state.terminated.reason || `ExitCode:${state.terminated.exitCode}`;
    }
  }
  const anyRunning = statuses.some((one) => one.ready && one.state.running !== undefined);
  if (shown === "Completed" && anyRunning) shown = "Running";
  return pod.metadata.deletionTimestamp === undefined ? shown : "Terminating";
}

function podRestarts(pod: Pod, nowMs: number): string {
  const statuses = pod.status?.containerStatuses ?? [];
  const restarts = statuses.reduce((sum, one) => sum + one.restartCount, 0);
  const ends = statuses.flatMap((one) => one.lastState.terminated?.finishedAt ?? []).sort();
  return restarts > 0 && ends.length > 0
    ? `${restarts} (${age(ends.at(-1), nowMs)} ago)`
    : String(restarts);
}

const addressOf = (node: KubeObject, type: string) =>
  text((node as NodeObject).status?.addresses?.find((one) => one.type === type)?.address);

const rolePrefix = "node-role.kubernetes.io/";

export const nodeColumns: Column[] = [
  nameColumn,
  column("Status", (node) => {
    const { status, spec } = node as NodeObject;
    const ready = status?.conditions?.find((one) => one.type === "Ready")?.status;
    const word = ready === undefined ? "Unknown" : ready === "True" ? "Ready" : "NotReady";
    return spec?.unschedulable ? `${word},SchedulingDisabled` : word;
  }),
  column("Roles", (node) =>
    listText(
      Object.keys(node.metadata.labels ?? {})
        .filter((key) => key.startsWith(rolePrefix) && key !== rolePrefix)
        .map((key) => key.slice(rolePrefix.length))
        .sort(),
    ),
  ),
  ageColumn,
  fieldColumn("Version", "status.nodeInfo.kubeletVersion", ""),
  wide(column("Internal-IP", (node) => addressOf(node, "InternalIP"))),
  wide(column("External-IP", (node) => addressOf(node, "ExternalIP"))),
  wide(fieldColumn("OS-Image", "status.nodeInfo.osImage", "<unknown>")),
  wide(fieldColumn("Kernel-Version", "status.nodeInfo.kernelVersion", "<unknown>")),
  wide(fieldColumn("Container-Runtime", "status.nodeInfo.containerRuntimeVersion", "<unknown>")),
];

export const namespaceColumns: Column[] = [
  nameColumn,
  fieldColumn("Status", "status.phase", ""),
  ageColumn,
];

export const daemonSetColumns: Column[] = [
  nameColumn,
  countColumn("Desired", "status.desiredNumberScheduled"),
  countColumn("Current", "status.currentNumberScheduled"),
  countColumn("Ready", "status.numberReady"),
  countColumn("Up-to-date", "status.updatedNumberScheduled"),
  countColumn("Available", "status.numberAvailable"),
  column("Node Selector", (object) =>
    listText(
      Object.entries(
        (fieldAt(object, ["spec", "template", "spec", "nodeSelector"]) ?? {}) as Record<
          string,
          string
        >,
      ).map(([key, value]) => `${key}=${value}`),
    ),
  ),
  ageColumn,
  ...workloadColumns,
];

const outOf = (done: string) =>
  column(
    "Ready",
    (object) =>
      `${text(fieldAt(object, ["status", done]), "0")}/${text(fieldAt(object, ["spec", "replicas"]), "0")}`,
  );

export const deploymentColumns: Column[] = [
  nameColumn,
  outOf("readyReplicas"),
  countColumn("Up-to-date", "status.updatedReplicas"),
  countColumn("Available", "status.availableReplicas"),
  ageColumn,
  ...workloadColumns,
];

export const replicaSetColumns: Column[] = [
  nameColumn,
  countColumn("Desired", "spec.replicas"),
  countColumn("Current", "status.replicas"),
  countColumn("Ready", "status.readyReplicas"),
  ageColumn,
  ...workloadColumns,
];

type Port = { port: number; protocol?: string; nodePort?: number };
type Ingress = { ip?: string; hostname?: string };

export const serviceColumns: Column[] = [
  nameColumn,
  fieldColumn("Type", "spec.type"),
  fieldColumn("Cluster-IP", "spec.clusterIP"),
  column("External-IP", (object) => {
    const spec = object.spec as { type?: string; externalIPs?: string[]; externalName?: string };
    const ingress = (fieldAt(object, ["status", "loadBalancer", "ingress"]) ?? []) as Ingress[];
    const addresses = ingress.map((one) => one.ip ?? one.hostname ?? "");
    const all = [...addresses, ...(spec.externalIPs ?? [])];
    if (spec.type === "ExternalName") return text(spec.externalName);
    return listText(all, spec.type === "LoadBalancer" ? "<pending>" : "<none>");
  }),
  column("Port(s)", (object) =>
    listText(
      ((fieldAt(object, ["spec", "ports"]) ?? []) as Port[]).map(
        ({ port, protocol = "TCP", nodePort }) =>
          `${port}${nodePort ? `:${nodePort}` : ""}/${protocol}`,
      ),
    ),
  ),
  ageColumn,
  wide(
    column("Selector", (object) =>
      listText(
        Object.entries((fieldAt(object, ["spec", "selector"]) ?? {}) as Record<string, string>).map(
          ([key, value]) => `${key}=${value}`,
        ),
      ),
    ),
  ),
];

type Subset = { addresses?: { ip: string }[]; ports?: Port[] };

export const endpointsColumns: Column[] = [
  nameColumn,
  column("Endpoints", (object) =>
    listText(
      ((object.subsets ?? []) as Subset[]).flatMap(({ addresses = [], ports = [] }) =>
        addresses.flatMap(({ ip }) =>
          ports.length === 0
            ? [ip]
            : ports.map(({ port }) => (ip.includes(":") ? `[${ip}]:${port}` : `${ip}:${port}`)),
        ),
      ),
    ),
  ),
  ageColumn,
];

export const endpointSliceColumns: Column[] = [
  nameColumn,
  fieldColumn("AddressType", "addressType"),
  column("Ports", (object) =>
    listText(
      ((object.ports ?? []) as Port[]).map(({ port }) => String(port)),
      "<unset>",
    ),
  ),
  column("Endpoints", (object) =>
    listText(
      ((object.endpoints ?? []) as { addresses: string[] }[]).flatMap((one) => one.addresses),
      "<unset>",
    ),
  ),
  ageColumn,
];

const eventTime = (event: KubeObject, ...fields: string[]) =>
  fields.map((field) => event[field]).find((value) => typeof value === "string");

export const eventColumns: Column[] = [
  {
    name: "Last Seen",
    type: "string",
    cell: (event, nowMs) => age(eventTime(event, "lastTimestamp", "eventTime"), nowMs),
  },
  fieldColumn("Type", "type", ""),
  fieldColumn("Reason", "reason", ""),
  column("Object", (event) => {
    const about = event.involvedObject as { kind?: string; name?: string } | undefined;
    return `${(about?.kind ?? "").toLowerCase()}/${about?.name ?? ""}`;
  }),
  wide(fieldColumn("Subobject", "involvedObject.fieldPath", "")),
  wide(
    column("Source", (event) =>
      listText(
        [
          text(fieldAt(event, ["source", "component"]) ?? event.reportingComponent, ""),
          text(fieldAt(event, ["source", "host"]), ""),
        ].filter((part) => part !== ""),
        "",
      ).replace(",", ", "),
    ),
  ),
  column("Message", (event) => text(event.message, "").trim()),
  wide({
    name: "First Seen",
    type: "string",
    cell: (event, nowMs) => age(eventTime(event, "firstTimestamp", "eventTime"), nowMs),
  }),
  wide(countColumn("Count", "count")),
  wide(nameColumn),
];

const dataCount = column("Data", (object) =>
  [object.data, object.binaryData].reduce<number>(
    (sum, map) => sum + Object.keys((map ?? {}) as object).length,
    0,
  ),
);

export const configMapColumns: Column[] = [nameColumn, dataCount, ageColumn];

export const secretColumns: Column[] = [
  nameColumn,
  fieldColumn("Type", "type", "Opaque"),
  dataCount,
  ageColumn,
];

export const serviceAccountColumns: Column[] = [
  nameColumn,
  column("Secrets", (object) => ((object.secrets ?? []) as unknown[]).length),
  ageColumn,
];

export const rightsColumns: Column[] = [nameColumn, ageColumn];

export const leaseColumns: Column[] = [
  nameColumn,
  fieldColumn("Holder", "spec.holderIdentity", ""),
  ageColumn,
];

export const definitionColumns: Column[] = [
  nameColumn,
  fieldColumn("Created At", "metadata.creationTimestamp"),
];
