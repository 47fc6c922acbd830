import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { apiServerOf, reachCluster } from "./kubernetes-kind-access.ts";

function temporaryFile(): string {
  const folder = mkdtempSync(path.join(tmpdir(), "spinelab-access-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  return path.join(folder, "kubeconfig");
}

/** As kind prints it, for a server without TLS. */
const kubeconfigFor = (server: string) => `apiVersion: v1
kind: Config
clusters:
- cluster:
    server: ${server}
  name: kind-kind
users: [{ name: kind-kind, user: { token: t } }]
contexts: [{ name: kind-kind, context: { cluster: kind-kind, user: kind-kind } }]
current-context: kind-kind
`;

test("kubeadm has not written its file yet, and then the server is not ready: both are waited for", async () => {
  const asked: string[] = [];
  const server = createServer((request, response) => {
    asked.push(request.url!);
    response.writeHead(asked.length < 3 ? 500 : 200).end("[-]poststarthook/rbac/bootstrap-roles");
  }).listen(0, "127.0.0.1");
  onTestFinished(() => void server.close());
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  let missing = 2;
  const kubeconfig = async () => {
    if (missing-- > 0) throw new Error("no such file");
    return kubeconfigFor(`http://127.0.0.1:${port}`);
  };
  const file = temporaryFile();
  const { signal } = new AbortController();
  const client = await reachCluster({ kubeconfig }, { file, signal });
  onTestFinished(() => client.close());
  expect(asked).toEqual(["/readyz?verbose", "/readyz?verbose", "/readyz?verbose"]);
  expect(readFileSync(file, "utf8")).toContain(`http://127.0.0.1:${port}`);
});

test("on another machine's engine the server is reached by a forwarded port", async () => {
  const kubeconfig = async () => kubeconfigFor("https://127.0.0.1:6443");
  const file = temporaryFile();
  const given = new AbortController();
  const forwardPort = async (port: number) => {
    given.abort(new Error("enough"));
    return port + 1;
  };
  await expect(
    reachCluster({ kubeconfig }, { file, forwardPort, signal: given.signal }),
  ).rejects.toThrow("enough");
  expect(readFileSync(file, "utf8")).toContain("https://127.0.0.1:6444");
});

test("the address that containers of kind's network use", () => {
  expect(apiServerOf(kubeconfigFor("https://kind-control-plane:6443"))).toEqual({
    host: "kind-control-plane",
    port: "6443",
  });
});
