import { readFileSync } from "node:fs";
import { parseAllDocuments } from "yaml";
import {
  ciliumSchemaVersionLabel,
  customResourceDefinitions,
  partOfSpinelab,
  rulesSince,
} from "../cilium/schema/definitions.ts";
import { EnvironmentError } from "../input/diagnostic.ts";
import type { KubeClient, Resource } from "../kube/client/kube-client.ts";
import type { KubeObject } from "../kube/object.ts";

/** What deploy/ installs, by name. */
export const installed = {
  namespace: "spinelab-system",
  agent: "spinelab-agent",
  operator: "spinelab-operator",
  /** With the value `off` on a node the DaemonSet keeps no agent there. */
  nodeLabel: "spinelab.io/agent",
} as const;

const definitions: Resource = {
  apiVersion: "apiextensions.k8s.io/v1",
  plural: "customresourcedefinitions",
  namespaced: false,
};
const daemonSets: Resource = { apiVersion: "apps/v1", plural: "daemonsets", namespaced: true };

const servedLimitMs = 30_000;
const lookAgainMs = 50;

/**
 * Throws EnvironmentError where Cilium itself is installed, or definitions of its resources that are
 * not Spinelab's: two BGP control planes for one set of resources would undo each other's work.
 */
export async function refuseCilium(client: KubeClient): Promise<void> {
  const found: string[] = [];
  for (const { metadata, spec } of (await client.list<KubeObject>(definitions)).items) {
    if ((spec as { group: string }).group !== "cilium.io") continue;
    const version = metadata.labels?.[ciliumSchemaVersionLabel];
    if (version !== undefined) {
      found.push(`the definition ${metadata.name} is Cilium's own (schema version ${version})`);
    } else if (!isOurs(metadata.labels)) {
      found.push(`the definition ${metadata.name} is not Spinelab's`);
    }
  }
  const agents = await client.list<KubeObject>(daemonSets, { labelSelector: "k8s-app=cilium" });
  for (const { metadata } of agents.items) {
    found.push(`DaemonSet ${metadata.namespace}/${metadata.name} is Cilium's agent`);
  }
  if (found.length === 0) return;
  throw new EnvironmentError(
    `the cluster has Cilium installed: ${found.join("; ")}`,
    "use a cluster without Cilium, or take it out (cilium uninstall): both would act on the same resources",
  );
}

function isOurs(labels: Record<string, string> | undefined): boolean {
  return Object.entries(partOfSpinelab).every(([key, value]) => labels?.[key] === value);
}

/** The definitions of Cilium's resources, as this server understands them; resolves when it serves them. */
export async function installDefinitions(client: KubeClient, signal: AbortSignal): Promise<void> {
  const { major, minor } = await client.version();
  const rules =
    major > rulesSince.major || (major === rulesSince.major && minor >= rulesSince.minor);
  const wanted = customResourceDefinitions({ rules });
  await Promise.all(wanted.map((each) => client.apply(each)));
  await Promise.all(
    wanted.map(async ({ metadata: { name }, spec }) => {
      const stored = spec.versions.find((each) => each.storage)!.name;
      const deadlineMs = performance.now() + servedLimitMs;
      for (;;) {
        signal.throwIfAborted();
        try {
          return await client.resourceOf(`${spec.group}/${stored}`, spec.names.kind);
        } catch (error) {
          if (performance.now() > deadlineMs) throw await whyNotServed(client, name, error);
        }
        await new Promise((resolve) => setTimeout(resolve, lookAgainMs));
      }
    }),
  );
}

async function whyNotServed(client: KubeClient, name: string, last: unknown): Promise<Error> {
  const definition = await client.find<KubeObject>(definitions, { name });
  const { conditions = [] } = (definition?.status ?? {}) as {
    conditions?: { type: string; status: string; message?: string }[];
  };
  const said = conditions.map(({ type, status, message }) => `${type} ${status}: ${message}`);
  return new Error(
    `${name} is not served after ${servedLimitMs / 1000} s: ${(last as Error).message}; its conditions: ${said.join("; ")}`,
    { cause: last },
  );
}

const deploy = new URL("../../deploy/", import.meta.url);

/** The objects of one file of deploy/. */
export function deployObjects(file: string): KubeObject[] {
  return parseAllDocuments(readFileSync(new URL(file, deploy), "utf8")).map(
    (document) => document.toJS() as KubeObject,
  );
}

export type ProcessSettings = {
  /** Image of agent and operator. */
  image: string;
  /**
   * Where the pods reach the API server, instead of by the cluster's own service: over the management
   * network, so that what happens to the fabric or to kube-proxy does not part them.
   */
  apiServer?: { host: string; port: string };
  /** What the agent says it is in the capability of software versions. */
  version?: string;
  /** The agent puts the routes it learns into the kernel's. */
  installRoutes?: boolean;
  /** The agent carries out CiliumEgressGatewayPolicies. */
  egressGateway?: boolean;
};

/** Namespace, rights, operator and DaemonSet of deploy/, with these settings. */
export async function installSpeakers(
  apply: (object: KubeObject, source: string) => Promise<unknown>,
  settings: ProcessSettings,
): Promise<void> {
  for (const file of ["00-namespace.yaml", "rbac.yaml", "operator.yaml", "agent.yaml"]) {
    for (const object of deployObjects(file)) {
      await apply(withSettings(object, settings), `deploy/${file}`);
    }
  }
}

/** The object, where it is agent or operator with these settings. */
export function withSettings(object: KubeObject, settings: ProcessSettings): KubeObject {
  const copy = structuredClone(object);
  const { template } = (copy.spec ?? {}) as {
    template?: {
      spec: { containers: { name: string; image: string; args: string[]; env?: object[] }[] };
    };
  };
  for (const container of template?.spec.containers ?? []) {
    container.image = settings.image;
    if (settings.apiServer) {
      const { host, port } = settings.apiServer;
      container.env = [
        ...(container.env ?? []),
        { name: "KUBERNETES_SERVICE_HOST", value: host },
        { name: "KUBERNETES_SERVICE_PORT", value: port },
      ];
    }
    if (settings.version !== undefined && container.name === "agent") {
      container.args.push(`--version=${settings.version}`);
    }
    if (settings.installRoutes && container.name === "agent") {
      container.args.push("--install-routes");
    }
    if (settings.egressGateway && container.name === "agent") {
      container.args.push("--enable-egress-gateway");
    }
  }
  return copy;
}
