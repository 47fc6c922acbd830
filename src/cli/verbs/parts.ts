import { randomBytes } from "node:crypto";
import { writeFileSync } from "node:fs";
import type { Command } from "commander";
import { UsageError } from "../exit.ts";

/** The processes of a lab, each by itself against any Kubernetes API. */
export function registerParts(program: Command): void {
  program
    .command("agent")
    .summary("the BGP agent of one Kubernetes node, against any Kubernetes API")
    .requiredOption("--kubeconfig <file>", "how to reach the API")
    .requiredOption("--node <name>", "the node it is for")
    .option("--socket <path>", "admin socket", "/run/spinelab/agent.sock")
    .option("--install-routes", "put the routes it learns into the kernel's; Cilium cannot")
    .option(
      "--bmp <address:port...>",
      "BMP stations (RFC 7854) that are told of sessions and routes",
    )
    .option("--ipam <mode>", "Cilium's ipam: kubernetes, cluster-pool or multi-pool")
    .option("--enable-no-service-endpoints-routable <bool>", "advertise Services without endpoints")
    .option("--enable-bgp-control-plane-status-report <bool>", "write CiliumBGPNodeConfigs' status")
    .option("--enable-egress-gateway", "let pods leave as CiliumEgressGatewayPolicies say")
    .option("--prometheus <address>", "serve metrics: 0.0.0.0:9962")
    .action((options: Options) => startBundle(["agent", ...words(options)]));

  program
    .command("operator")
    .summary("the BGP operator, against any Kubernetes API")
    .requiredOption("--kubeconfig <file>", "how to reach the API")
    .option("--bgp-router-id-allocation-ip-pool <prefix>", "router IDs for every instance")
    .option("--enable-bgp-control-plane-status-report <bool>", "write conditions of BGP resources")
    .option("--prometheus <address>", "serve metrics: 0.0.0.0:9963")
    .action((options: Options) => startBundle(["operator", ...words(options)]));

  program
    .command("apiserver")
    .summary("Spinelab's Kubernetes API server by itself")
    .requiredOption("--listen <address>", "for example 127.0.0.1:6443")
    .option("--data <folder>", "keep objects, token and certificate there for the next start")
    .option("--kubeconfig-out <file>", "write a kubeconfig for kubectl")
    .action((options: ApiServerOptions) => serveApi(options));
}

type Options = Record<string, string | boolean | string[]>;

type ApiServerOptions = { listen: string; data?: string; kubeconfigOut?: string };

/** Options as they were written: `installRoutes: true` was `--install-routes`. */
function words(options: Options): string[] {
  return Object.entries(options).flatMap(([name, value]) => {
    const flag = `--${name.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
    return value === true ? [flag] : [value].flat().map((each) => `${flag}=${each}`);
  });
}

async function startBundle(args: string[]): Promise<void> {
  const { agentBundle } = await import("../../lab/agent-bundle.ts");
  const bundle = await agentBundle();
  process.argv.splice(1, process.argv.length - 1, bundle, ...args);
  await import(bundle);
}

async function serveApi(options: ApiServerOptions): Promise<void> {
  const colon = options.listen.lastIndexOf(":");
  const [host, port] = [options.listen.slice(0, colon), Number(options.listen.slice(colon + 1))];
  if (colon < 0 || !Number.isInteger(port)) {
    throw new UsageError(`${options.listen}: expected ADDRESS:PORT, for example 127.0.0.1:6443`);
  }
  if (options.data === undefined) return await serveUntilSignal({ host, port }, options);
  const letGo = await lockData(options.data);
  try {
    await serveUntilSignal({ host, port }, options);
  } finally {
    letGo();
  }
}

/** Two servers on one folder would each write over what the other keeps. */
async function lockData(folder: string): Promise<() => void> {
  const { FolderInUseError, lockFolder } = await import("../../sys/folder-lock.ts");
  try {
    return lockFolder(folder);
  } catch (error) {
    if (!(error instanceof FolderInUseError)) throw error;
    throw new UsageError(
      `${error.message}: one API server at a time keeps its objects there\n  hint: kill ${error.pid}, or another folder with --data`,
    );
  }
}

async function serveUntilSignal(
  { host, port }: { host: string; port: number },
  options: ApiServerOptions,
): Promise<void> {
  const { systemClock } = await import("../../kube/clock.ts");
  const { startControllers } = await import("../../kube/controllers/controllers.ts");
  const { kubeconfigText } = await import("../../kube/kubeconfig.ts");
  const { startApiServer } = await import("../../kube/server/api-server.ts");
  const { builtInResources } = await import("../../kube/server/built-in-resources.ts");
  const { ciliumResources } = await import("../../kube/server/cilium-resources.ts");
  const { DataFolder } = await import("../../kube/server/data-folder.ts");
  const { KubeApi } = await import("../../kube/server/kube-api.ts");
  const { selfSignedCertificate } = await import("../../kube/server/self-signed.ts");

  const data = options.data === undefined ? undefined : new DataFolder(options.data);
  const kept = data?.objects();
  const api = new KubeApi({
    resources: [...builtInResources, ...ciliumResources],
    clock: systemClock,
    ...(kept !== undefined && { kept }),
  });
  const makeSecrets = () => ({
    token: randomBytes(24).toString("base64url"),
    tls: selfSignedCertificate([host, "localhost"], Date.now()),
  });
  const { token, tls } = data?.secrets(makeSecrets) ?? makeSecrets();
  const log = (message: string) => process.stdout.write(`${message}\n`);
  const onError = (what: unknown) => log(`error: ${String(what)}`);
  const ended = Promise.withResolvers<void>();
  data?.follow(api, (error) => ended.reject(error));
  const server = await startApiServer({ api, listeners: [{ host, port, tls, token }], onError });
  const controllers = startControllers(api, (what, error) => onError(`${what}: ${String(error)}`));
  if (options.kubeconfigOut !== undefined) {
    const text = kubeconfigText({
      name: "spinelab",
      server: server.urls[0]!,
      token,
      certificateAuthority: tls.cert,
    });
    writeFileSync(options.kubeconfigOut, text, { mode: 0o600 });
  }
  log(`serving on ${server.urls[0]}`);
  for (const signal of ["SIGTERM", "SIGINT"] as const) process.once(signal, () => ended.resolve());
  try {
    await ended.promise;
  } finally {
    controllers.stop();
    await server.close();
  }
}
