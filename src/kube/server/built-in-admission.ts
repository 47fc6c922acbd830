import { isDeepStrictEqual } from "node:util";
import type { KubeObject } from "../object.ts";
import { matchesLabels, requirementsOf, SelectorError } from "../selector.ts";
import type { Cause } from "./api-error.ts";
import { isObject } from "./merge-patch.ts";
import {
  checkLabels,
  checkName,
  duplicate,
  fieldForbidden,
  invalidValue,
  notSupported,
  required,
} from "./names.ts";
import type { Admission } from "./resource.ts";

/**
 * Defaults and checks of Kubernetes' own kinds: the fields that Spinelab's controllers act on, and
 * the mistakes people make. Others are kept as they come, where Kubernetes knows them.
 */
type Json = Record<string, unknown>;
type Admit = (object: KubeObject) => Admission;

/** Kinds with nothing to check but their metadata. */
export const admitAny: Admit = (object) => ({ object, causes: [], unknownFields: [] });

function admit(fill: (object: KubeObject & { spec: Json }) => Cause[]): Admit {
  return (object) => {
    if (object.spec !== undefined && object.spec !== null && !isObject(object.spec)) {
      return {
        object,
        causes: [invalidValue("spec", object.spec, "must be an object")],
        unknownFields: [],
      };
    }
    object.spec ??= {};
    const causes = fill(object as KubeObject & { spec: Json });
    return { object, causes, unknownFields: [] };
  };
}

export const admitNamespace = admit((object) => {
  object.spec.finalizers ??= ["kubernetes"];
  object.status ??= { phase: "Active" };
  object.metadata.labels = {
    ...object.metadata.labels,
    "kubernetes.io/metadata.name": object.metadata.name,
  };
  return checkName(object.metadata.name, "label", "metadata.name");
});

export const admitNode = admit(() => []);

export const admitService = admit(({ spec }) => {
  spec.type ??= "ClusterIP";
  spec.sessionAffinity ??= "None";
  if (spec.type !== "ExternalName") spec.internalTrafficPolicy ??= "Cluster";
  if (spec.type === "LoadBalancer" || spec.type === "NodePort") {
    spec.externalTrafficPolicy ??= "Cluster";
  }
  if (spec.type === "LoadBalancer") spec.allocateLoadBalancerNodePorts ??= true;
  const types = ["ClusterIP", "NodePort", "LoadBalancer", "ExternalName"];
  const causes: Cause[] = [];
  if (!types.includes(String(spec.type))) causes.push(notSupported("spec.type", spec.type, types));
  const ports = listAt(spec, "ports", "spec", causes);
  for (const [index, port] of ports.entries()) {
    const field = `spec.ports[${index}]`;
    port.protocol ??= "TCP";
    port.targetPort ??= port.port;
    if (!isPort(port.port)) causes.push(badPort(`${field}.port`, port.port));
    if (ports.length > 1 && !port.name) causes.push(required(`${field}.name`));
  }
  return causes;
});

export const admitPod = admit((object) => {
  object.status ??= { phase: "Pending", qosClass: "BestEffort" };
  return fillPodSpec(object.spec, "spec");
});

/** DaemonSet, Deployment and ReplicaSet. */
export const admitWorkload = admit((object) => {
  const { spec, kind } = object;
  const causes: Cause[] = [];
  if (kind === "DaemonSet") {
    spec.updateStrategy = { type: "RollingUpdate", ...(spec.updateStrategy as Json) };
    spec.revisionHistoryLimit ??= 10;
  } else {
    spec.replicas ??= 1;
    if (!Number.isInteger(spec.replicas) || Number(spec.replicas) < 0) {
      causes.push(
        invalidValue("spec.replicas", spec.replicas, "must be greater than or equal to 0"),
      );
    }
  }
  if (kind === "Deployment") {
    spec.strategy = { type: "RollingUpdate", ...(spec.strategy as Json) };
    spec.revisionHistoryLimit ??= 10;
    spec.progressDeadlineSeconds ??= 600;
  }
  const template = isObject(spec.template) ? spec.template : undefined;
  const templateLabels = (template?.metadata as Json | undefined)?.labels;
  causes.push(...checkSelector(spec.selector, templateLabels));
  if (template === undefined) causes.push(required("spec.template"));
  else {
    template.metadata ??= {};
    causes.push(...checkLabels(templateLabels, "spec.template.metadata.labels"));
    if (!isObject(template.spec)) causes.push(required("spec.template.spec"));
    else {
      causes.push(...fillPodSpec(template.spec, "spec.template.spec"));
      if (template.spec.restartPolicy !== "Always") {
        causes.push(
          notSupported("spec.template.spec.restartPolicy", template.spec.restartPolicy, ["Always"]),
        );
      }
    }
  }
  return causes;
});

function checkSelector(selector: unknown, templateLabels: unknown): Cause[] {
  if (!isObject(selector)) return [required("spec.selector")];
  try {
    const requirements = requirementsOf(selector);
    if (requirements.length === 0) {
      return [
        invalidValue(
          "spec.selector",
          selector,
          "empty selector is invalid for daemonset, deployment and replicaset",
        ),
      ];
    }
    const labels = isObject(templateLabels) ? (templateLabels as Record<string, string>) : {};
    if (matchesLabels(requirements, labels)) return [];
    return [
      invalidValue(
        "spec.template.metadata.labels",
        labels,
        "`selector` does not match template `labels`",
      ),
    ];
  } catch (error) {
    if (!(error instanceof SelectorError)) throw error;
    return [invalidValue("spec.selector", selector, error.message)];
  }
}

function fillPodSpec(spec: Json, path: string): Cause[] {
  spec.restartPolicy ??= "Always";
  spec.terminationGracePeriodSeconds ??= 30;
  spec.dnsPolicy ??= "ClusterFirst";
  spec.schedulerName ??= "default-scheduler";
  const causes: Cause[] = [];
  const policies = ["Always", "OnFailure", "Never"];
  if (!policies.includes(String(spec.restartPolicy))) {
    causes.push(notSupported(`${path}.restartPolicy`, spec.restartPolicy, policies));
  }
  const containers = listAt(spec, "containers", path, causes);
  if (containers.length === 0) causes.push(required(`${path}.containers`));
  const names = new Set<unknown>();
  for (const field of ["initContainers", "containers"]) {
    for (const [index, container] of listAt(spec, field, path, []).entries()) {
      const at = `${path}.${field}[${index}]`;
      if (typeof container.name !== "string") causes.push(required(`${at}.name`));
      else causes.push(...checkName(container.name, "label", `${at}.name`));
      if (names.has(container.name)) causes.push(duplicate(`${at}.name`, container.name));
      names.add(container.name);
      if (typeof container.image !== "string" || container.image === "") {
        causes.push(required(`${at}.image`));
      } else {
        container.imagePullPolicy ??= /:latest$|^[^:]*$/.test(container.image)
          ? "Always"
          : "IfNotPresent";
      }
      for (const list of ["command", "args"]) causes.push(...checkStrings(container, list, at));
      for (const [i, port] of listAt(container, "ports", at, causes).entries()) {
        port.protocol ??= "TCP";
        if (!isPort(port.containerPort)) {
          causes.push(badPort(`${at}.ports[${i}].containerPort`, port.containerPort));
        }
      }
      for (const [i, variable] of listAt(container, "env", at, causes).entries()) {
        if (!variable.name) causes.push(required(`${at}.env[${i}].name`));
      }
    }
  }
  for (const [index, toleration] of listAt(spec, "tolerations", path, causes).entries()) {
    const operator = toleration.operator ?? "Equal";
    const at = `${path}.tolerations[${index}].operator`;
    if (operator !== "Equal" && operator !== "Exists") {
      causes.push(notSupported(at, operator, ["Equal", "Exists"]));
    } else if (!toleration.key && operator === "Equal") {
      causes.push(
        invalidValue(
          at,
          operator,
          'operator must be Exists when `key` is empty, which means "match all values and all keys"',
        ),
      );
    }
  }
  return causes;
}

/** The objects of a list field; what is no list or no object becomes a cause and is left out. */
function listAt(parent: Json, field: string, path: string, causes: Cause[]): Json[] {
  const list = parent[field];
  if (list === undefined || list === null) return [];
  if (!Array.isArray(list)) {
    causes.push(invalidValue(`${path}.${field}`, list, "must be a list"));
    return [];
  }
  for (const [index, item] of list.entries()) {
    if (!isObject(item)) {
      causes.push(invalidValue(`${path}.${field}[${index}]`, item, "must be an object"));
    }
  }
  return list.filter(isObject);
}

function checkStrings(parent: Json, field: string, path: string): Cause[] {
  const list = parent[field];
  if (list === undefined || list === null) return [];
  if (Array.isArray(list) && list.every((item) => typeof item === "string")) return [];
  return [invalidValue(`${path}.${field}`, list, "must be a list of strings")];
}

const isPort = (value: unknown) =>
  Number.isInteger(value) && Number(value) >= 1 && Number(value) <= 65535;

const badPort = (field: string, value: unknown) =>
  value === undefined
    ? required(field)
    : invalidValue(field, value, "must be between 1 and 65535, inclusive");

/** spec.selector of apps/v1 kinds is immutable. */
export function keepsSelector(before: KubeObject, after: KubeObject): Cause[] {
  const selector = (object: KubeObject) => (object.spec as Json | undefined)?.selector;
  if (isDeepStrictEqual(selector(before), selector(after))) return [];
  return [invalidValue("spec.selector", selector(after), "field is immutable")];
}

/** Of a pod's spec only images, deadlines and tolerations may change, and nodeName be set once. */
export function keepsPodSpec(before: KubeObject, after: KubeObject): Cause[] {
  const old = before.spec as Json;
  const fixed = (spec: Json): Json => {
    const { tolerations, activeDeadlineSeconds, terminationGracePeriodSeconds, ...rest } = spec;
    const imageless = (list: unknown) =>
      Array.isArray(list)
        ? list.map((item) => (isObject(item) ? { ...item, image: "", imagePullPolicy: "" } : item))
        : list;
    return {
      ...rest,
      containers: imageless(spec.containers),
      initContainers: imageless(spec.initContainers),
      schedulingGates: undefined,
      ...(old.nodeName === undefined && { nodeName: undefined }),
    };
  };
  if (isDeepStrictEqual(fixed(old), fixed(after.spec as Json))) return [];
  return [
    fieldForbidden(
      "spec",
      "pod updates may not change fields other than `spec.containers[*].image`, `spec.initContainers[*].image`, `spec.activeDeadlineSeconds`, `spec.tolerations`, `spec.terminationGracePeriodSeconds`",
    ),
  ];
}
