import { readFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { dirname, resolve } from "node:path";

/** Where an API server is and what opens it; PEM texts. */
export type ClusterAccess = {
  /** `https://host:port`, perhaps with a path. */
  server: string;
  /** Asked at every request: tokens mounted into pods are renewed on disk. */
  token?: () => string;
  certificateAuthority?: string;
  clientCertificate?: string;
  clientKey?: string;
  skipTlsVerify?: boolean;
  /** The name to verify the server's certificate for, where it is not the URL's host. */
  tlsServerName?: string;
  /** Of the context: what a namespaced request without a namespace means. */
  namespace: string;
};

type Named<Field extends string, Value> = { name: string } & { [field in Field]?: Value };
type Kubeconfig = {
  "current-context"?: string;
  contexts?: Named<"context", { cluster: string; user?: string; namespace?: string }>[];
  clusters?: Named<"cluster", Record<string, unknown>>[];
  users?: Named<"user", Record<string, unknown>>[];
};

/** The kubeconfig's current context. Throws with the file's name and what it lacks. */
export async function loadKubeconfig(path: string): Promise<ClusterAccess> {
  const config = await parseFile(path);
  const wrong = (what: string) => new Error(`${path}: ${what}`);
  const contextName = config["current-context"];
  if (!contextName) throw wrong("no current-context");
  const context = config.contexts?.find((one) => one.name === contextName)?.context;
  if (!context) throw wrong(`no context ${JSON.stringify(contextName)}`);
  const cluster = config.clusters?.find((one) => one.name === context.cluster)?.cluster;
  if (!cluster) throw wrong(`no cluster ${JSON.stringify(context.cluster)}`);
  if (typeof cluster.server !== "string") throw wrong(`cluster ${context.cluster} has no server`);
  const user = config.users?.find((one) => one.name === context.user)?.user ?? {};
  for (const field of ["exec", "auth-provider", "username"]) {
    if (user[field] !== undefined) {
      throw wrong(`user ${context.user}: ${field} is not supported; use a token or certificates`);
    }
  }
  // A value stands in the file itself, base64, or in a file it names, relative to it.
  const pem = (of: Record<string, unknown>, field: string): string | undefined => {
    const data = of[`${field}-data`];
    if (typeof data === "string") return Buffer.from(data, "base64").toString();
    const file = of[field];
    return typeof file === "string"
      ? readFileSync(resolve(dirname(path), file), "utf8")
      : undefined;
  };
  const certificateAuthority = pem(cluster, "certificate-authority");
  const clientCertificate = pem(user, "client-certificate");
  const clientKey = pem(user, "client-key");
  const tokenFile = user.tokenFile;
  const token =
    typeof user.token === "string"
      ? () => user.token as string
      : typeof tokenFile === "string"
        ? () => readFileSync(resolve(dirname(path), tokenFile), "utf8").trim()
        : undefined;
  const tlsServerName = cluster["tls-server-name"];
  return {
    server: cluster.server.replace(/\/+$/, ""),
    namespace: context.namespace ?? "default",
    ...(token && { token }),
    ...(certificateAuthority !== undefined && { certificateAuthority }),
    ...(clientCertificate !== undefined && { clientCertificate }),
    ...(clientKey !== undefined && { clientKey }),
    ...(cluster["insecure-skip-tls-verify"] === true && { skipTlsVerify: true }),
    ...(typeof tlsServerName === "string" && { tlsServerName }),
  };
}

async function parseFile(path: string): Promise<Kubeconfig> {
  const text = await readFile(path, "utf8");
  let config: unknown;
  try {
    // Spinelab's own kubeconfigs are JSON: no agent needs a YAML parser for them.
    config = JSON.parse(text);
  } catch {
    const { parse } = await import("yaml");
    try {
      config = parse(text);
    } catch (error) {
      throw new Error(`${path}: ${(error as Error).message}`, { cause: error });
    }
  }
  if (typeof config !== "object" || config === null) throw new Error(`${path}: is no kubeconfig`);
  return config;
}

const serviceAccountFolder = "/var/run/secrets/kubernetes.io/serviceaccount";

/** What a pod finds in itself. Throws where this is no pod. */
export function inClusterAccess(
  env: Record<string, string | undefined> = process.env,
  folder = serviceAccountFolder,
): ClusterAccess {
  const host = env.KUBERNETES_SERVICE_HOST;
  const port = env.KUBERNETES_SERVICE_PORT;
  if (!host || !port) {
    throw new Error(
      "not in a pod: KUBERNETES_SERVICE_HOST and KUBERNETES_SERVICE_PORT are not set",
    );
  }
  return {
    server: `https://${host.includes(":") ? `[${host}]` : host}:${port}`,
    token: () => readFileSync(`${folder}/token`, "utf8").trim(),
    certificateAuthority: readFileSync(`${folder}/ca.crt`, "utf8"),
    namespace: readFileSync(`${folder}/namespace`, "utf8").trim(),
  };
}
