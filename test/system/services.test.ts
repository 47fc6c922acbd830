import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { spinelab, succeed, until } from "./spinelab.ts";

/** Services of a cluster in namespaces: addresses, endpoints, and packets that get there. */
const lab = `services-${process.pid}`;
const folder = mkdtempSync(join(tmpdir(), "spinelab-services-"));
const manifest = join(folder, "web.yaml");

/** Reads a request to its empty line and answers with the pod's name. */
const answer = String.raw`while read -r line; do [ \${#line} -gt 1 ] || break; done; printf "HTTP/1.0 200 OK\\r\\n\\r\\n"; hostname`;
const server = `SYSTEM:'${answer}'`;
const listen = (address: string) => `TCP${address}-LISTEN:8080,fork,reuseaddr`;

const service = (name: string, spec: string) => `
---
apiVersion: v1
kind: Service
metadata: { name: ${name} }
spec:
  selector: { app: web }
  ports: [{ port: 80, targetPort: http }]
  ${spec}`;

beforeAll(async () => {
  writeFileSync(
    manifest,
    `
apiVersion: apps/v1
kind: DaemonSet
metadata: { name: web }
spec:
  selector: { matchLabels: { app: web } }
  template:
    metadata: { labels: { app: web } }
    spec:
      containers:
        - name: web
          image: nicolaka/netshoot:v0.13
          command: ${JSON.stringify(["socat", listen("4"), server])}
          ports: [{ name: http, containerPort: 8080 }]${[
            service("web", "type: NodePort"),
            service("local", "internalTrafficPolicy: Local"),
            service("outside", "externalIPs: [192.0.2.80]\n  externalTrafficPolicy: Local"),
            service("nobody", "selector: { app: nobody }").replace("{ app: web }\n", "{}\n"),
          ].join("")}
`.replace("  selector: {}\n", ""),
  );
  await succeed("up", "rack-spine", "--name", lab, "--manifests", manifest);
});

afterAll(async () => {
  await succeed("down", lab);
  rmSync(folder, { recursive: true });
});

const kubectl = (...args: string[]) => succeed("kubectl", "--lab", lab, "--", ...args);
const curl = (from: string, url: string) =>
  spinelab("exec", from, "--lab", lab, "--", "curl", "-sS", "--max-time", "2", url);
const field = (name: string, path: string) =>
  kubectl("get", "service", name, "-o", `jsonpath={${path}}`);

/** Names of the pods that answer, of so many requests. */
async function answering(from: string, url: string, count: number): Promise<Set<string>> {
  const names = new Set<string>();
  for (let n = 0; n < count; n++) {
    const { status, stdout, stderr } = await curl(from, url);
    if (status !== 0) throw new Error(stderr);
    names.add(stdout.trim());
  }
  return names;
}

test("a cluster IP leads to every endpoint, in both racks", async () => {
  const address = await field("web", ".spec.clusterIP");
  expect(address).toMatch(/^10\.96\.0\.\d+$/);
  const seen = new Set<string>();
  await until("answers of all three pods", async () => {
    for (const name of await answering("netshoot@kind-worker", `http://${address}/`, 3)) {
      seen.add(name);
    }
    return seen.size === 3;
  });
});

test("a node port leads there from outside the cluster, and the answers come back", async () => {
  const port = await field("web", ".spec.ports[0].nodePort");
  // A node without knowing it: the packet goes on to another rack, and its answer the same way.
  const names = await answering("router0", `http://10.0.2.2:${port}/`, 6);
  expect(names.size).toBeGreaterThan(0);
});

test("internalTrafficPolicy Local stays on the node", async () => {
  const address = await field("local", ".spec.clusterIP");
  const names = await answering("netshoot@kind-worker2", `http://${address}/`, 5);
  const pods = await kubectl(
    ...["get", "pods", "-l", "app=web", "--field-selector", "spec.nodeName=kind-worker2"],
    ...["-o", "jsonpath={.items[*].metadata.name}"],
  );
  expect([...names]).toEqual([pods]);
});

test("an external IP is served by every node that the packet comes to, with the client's address", async () => {
  const command = "ip route add 192.0.2.80/32 via 10.0.4.2";
  await succeed("exec", "tor1", "--lab", lab, "--", ...command.split(" "));
  const names = await answering("tor1", "http://192.0.2.80/", 4);
  const pods = await kubectl(
    ...["get", "pods", "-l", "app=web", "--field-selector", "spec.nodeName=kind-worker3"],
    ...["-o", "jsonpath={.items[*].metadata.name}"],
  );
  expect([...names]).toEqual([pods]);
});

test("a service without endpoints refuses at once", async () => {
  const address = await field("nobody", ".spec.clusterIP");
  // Not 28, which is a timeout.
  expect((await curl("netshoot@kind-worker", `http://${address}/`)).status).toBe(7);
});

test("an endpoint that goes is not drawn any more", async () => {
  const patch = { spec: { template: { spec: { nodeSelector: { none: "such" } } } } };
  await kubectl("patch", "daemonset", "web", "--type=merge", "-p", JSON.stringify(patch));
  const address = await field("web", ".spec.clusterIP");
  await until("the service refuses", async () => {
    return (await curl("netshoot@kind-worker", `http://${address}/`)).status === 7;
  });
  expect(await kubectl("get", "endpointslices", "-o", "name")).not.toContain("web-");
});
