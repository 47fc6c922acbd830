import {
  admitAny,
  admitNamespace,
  admitNode,
  admitPod,
  admitService,
  admitWorkload,
  keepsPodSpec,
  keepsSelector,
} from "./built-in-admission.ts";
import * as columns from "./built-in-columns.ts";
import { messageOf } from "./protobuf/envelope.ts";
import { removeUnknownFields } from "./protobuf/unknown-fields.ts";
import { admitSecret } from "./secret-admission.ts";
import type { ResourceDefinition } from "./resource.ts";

function builtIn(
  group: string,
  plural: string,
  kind: string,
  rest: Partial<ResourceDefinition> & Pick<ResourceDefinition, "columns">,
): ResourceDefinition {
  const { admit = admitAny, ...own } = rest;
  const table = messageOf(group === "" ? "v1" : `${group}/v1`, kind);
  return {
    group,
    versions: ["v1"],
    deprecatedVersions: [],
    plural,
    singular: kind.toLowerCase(),
    kind,
    shortNames: [],
    categories: [],
    namespaced: true,
    subresources: [],
    custom: false,
    admit(object) {
      const unknownFields = table === undefined ? [] : removeUnknownFields(table, object);
      return { ...admit(object), unknownFields };
    },
    ...own,
  };
}

const workload: Partial<ResourceDefinition> = {
  categories: ["all"],
  subresources: ["status"],
  admit: admitWorkload,
  checkUpdate: keepsSelector,
};

/** Kept and shown, so that manifests apply; whoever may reach this server may do everything. */
const rights = [
  ["clusterroles", "ClusterRole", false],
  ["clusterrolebindings", "ClusterRoleBinding", false],
  ["roles", "Role", true],
  ["rolebindings", "RoleBinding", true],
] as const;

/** The kinds of Kubernetes itself that Spinelab serves. */
export const builtInResources: readonly ResourceDefinition[] = [
  ...rights.map(([plural, kind, namespaced]) =>
    builtIn("rbac.authorization.k8s.io", plural, kind, {
      namespaced,
      columns: columns.rightsColumns,
    }),
  ),
  builtIn("", "namespaces", "Namespace", {
    namespaced: false,
    shortNames: ["ns"],
    subresources: ["status"],
    admit: admitNamespace,
    fieldLabels: ["status.phase"],
    columns: columns.namespaceColumns,
  }),
  builtIn("", "nodes", "Node", {
    namespaced: false,
    shortNames: ["no"],
    subresources: ["status"],
    statusOnCreate: true,
    admit: admitNode,
    fieldLabels: ["spec.unschedulable"],
    columns: columns.nodeColumns,
  }),
  builtIn("", "pods", "Pod", {
    shortNames: ["po"],
    categories: ["all"],
    subresources: ["status"],
    admit: admitPod,
    fieldLabels: [
      "spec.nodeName",
      "spec.restartPolicy",
      "spec.schedulerName",
      "spec.serviceAccountName",
      "spec.hostNetwork",
      "status.phase",
      "status.podIP",
      "status.nominatedNodeName",
    ],
    checkUpdate: keepsPodSpec,
    columns: columns.podColumns,
  }),
  builtIn("", "services", "Service", {
    shortNames: ["svc"],
    categories: ["all"],
    subresources: ["status"],
    admit: admitService,
    fieldLabels: ["spec.clusterIP", "spec.type"],
    columns: columns.serviceColumns,
  }),
  builtIn("", "endpoints", "Endpoints", {
    shortNames: ["ep"],
    columns: columns.endpointsColumns,
  }),
  builtIn("", "configmaps", "ConfigMap", {
    shortNames: ["cm"],
    columns: columns.configMapColumns,
  }),
  builtIn("", "secrets", "Secret", {
    admit: admitSecret,
    fieldLabels: ["type"],
    columns: columns.secretColumns,
  }),
  builtIn("", "events", "Event", {
    shortNames: ["ev"],
    fieldLabels: [
      ...["kind", "namespace", "name", "uid", "apiVersion", "resourceVersion", "fieldPath"].map(
        (field) => `involvedObject.${field}`,
      ),
      ...["reason", "reportingComponent", "type"],
    ],
    columns: columns.eventColumns,
  }),
  builtIn("", "serviceaccounts", "ServiceAccount", {
    shortNames: ["sa"],
    columns: columns.serviceAccountColumns,
  }),
  builtIn("apps", "daemonsets", "DaemonSet", {
    ...workload,
    shortNames: ["ds"],
    columns: columns.daemonSetColumns,
  }),
  builtIn("apps", "deployments", "Deployment", {
    ...workload,
    shortNames: ["deploy"],
    subresources: ["status", "scale"],
    columns: columns.deploymentColumns,
  }),
  builtIn("apps", "replicasets", "ReplicaSet", {
    ...workload,
    shortNames: ["rs"],
    subresources: ["status", "scale"],
    fieldLabels: ["status.replicas"],
    columns: columns.replicaSetColumns,
  }),
  builtIn("discovery.k8s.io", "endpointslices", "EndpointSlice", {
    columns: columns.endpointSliceColumns,
  }),
  builtIn("coordination.k8s.io", "leases", "Lease", { columns: columns.leaseColumns }),
  builtIn("apiextensions.k8s.io", "customresourcedefinitions", "CustomResourceDefinition", {
    namespaced: false,
    fixedSet: true,
    shortNames: ["crd", "crds"],
    categories: ["api-extensions"],
    columns: columns.definitionColumns,
  }),
];
