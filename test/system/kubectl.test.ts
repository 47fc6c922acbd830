import { execFile, execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, test } from "vitest";
import { spinelab, succeed, until } from "./spinelab.ts";

/**
 * Minor version of the kubectl on this machine; undefined where there is none. Spinelab does not
 * install it: what needs it is then shown as skipped. Before 1.31 `exec` speaks SPDY, which is not served.
 */
const minor = (() => {
  try {
    const text = execFileSync("kubectl", ["version", "--client", "-o", "json"], {
      encoding: "utf8",
    });
    const { clientVersion } = JSON.parse(text) as { clientVersion: { minor: string } };
    return Number.parseInt(clientVersion.minor, 10);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
})();
// oxlint-disable vitest/expect-expect, vitest/no-disabled-tests, vitest/valid-title -- not calls of a test
const withKubectl = test.skipIf(minor === undefined);
const withExec = test.skipIf(minor === undefined || minor < 31);
// oxlint-enable vitest/expect-expect, vitest/no-disabled-tests, vitest/valid-title

/** Real kubectl against the API of a lab that is up. */
const lab = `kubectl-${process.pid}`;
const folder = mkdtempSync(join(tmpdir(), "spinelab-kubectl-"));
let kubeconfig: string;

beforeAll(async () => {
  await succeed("up", "rack-spine", "--name", lab);
  kubeconfig = (await succeed("kubeconfig", lab)).trim();
});

afterAll(async () => {
  await succeed("down", lab);
  rmSync(folder, { recursive: true });
});

async function kubectl(...args: string[]): Promise<string> {
  const env = { ...process.env, KUBECONFIG: kubeconfig };
  return (await promisify(execFile)("kubectl", args, { env })).stdout;
}

withKubectl("get nodes and pods, wide", async () => {
  const nodes = await kubectl("get", "nodes", "-o", "wide");
  expect(nodes).toMatch(/^kind-control-plane +Ready +control-plane .* 10\.0\.1\.2 /m);
  expect(nodes).toMatch(/^kind-worker3 +Ready .* 10\.0\.4\.2 /m);
  const pods = await kubectl("get", "pods", "-o", "wide");
  expect(pods).toMatch(/^netshoot-\w+ +1\/1 +Running +0 .* 10\.1\.1\.2 +kind-worker /m);
  expect(await kubectl("get", "nodes,pods", "-o", "name")).toMatch(/node\/kind-worker3\npod\//);
});

withExec(
  "the walk-through's own lines: pick two pods by awk, ping across racks, trace the way",
  async () => {
    const script = `
    SRC_POD=$(kubectl get pods -o wide | grep "kind-worker " | awk '{ print($1); }')
    DST_IP=$(kubectl get pods -o wide | grep worker3 | awk '{ print($6); }')
    kubectl rollout status ds/netshoot -w
    kubectl exec $SRC_POD -- ping -c 2 -i 0.2 $DST_IP
    kubectl exec $SRC_POD -- traceroute -n -q 1 $DST_IP`;
    const env = { ...process.env, KUBECONFIG: kubeconfig };
    const text = await until("an answered ping", async () => {
      const { stdout } = await promisify(execFile)("sh", ["-c", script], { env });
      return stdout.includes(" 0% packet loss") && stdout;
    });
    expect(text).toContain('daemon set "netshoot" successfully rolled out');
    expect(text).toMatch(
      /2 {2}10\.0\.2\.1 [\s\S]*3 {2}10\.0\.0\.0 [\s\S]*4 {2}10\.0\.0\.2 [\s\S]*5 {2}10\.0\.4\.2 /,
    );
  },
);

withExec("exec hands on stdin, streams and the exit code", async () => {
  const [pod = ""] = (await kubectl("get", "pods", "-o", "name")).split("\n");
  const running = promisify(execFile)(
    "kubectl",
    ["exec", "-i", pod, "--", "sh", "-c", "cat; echo wrong >&2; exit 7"],
    { env: { ...process.env, KUBECONFIG: kubeconfig } },
  );
  running.child.stdin!.end("through the pod\n");
  await expect(running).rejects.toMatchObject({
    code: 7,
    stdout: "through the pod\n",
    stderr: expect.stringContaining("wrong"),
  });
});

withKubectl(
  "apply changes what the fabric sees, and a broken manifest is refused with the field",
  async () => {
    const file = join(folder, "advertisement.yaml");
    const manifest = (preference: string) => `apiVersion: cilium.io/v2
kind: CiliumBGPAdvertisement
metadata: { name: pod-cidr, labels: { advertise: pod-cidr } }
spec:
  advertisements:
    - advertisementType: PodCIDR
      attributes: { localPreference: ${preference} }
`;
    writeFileSync(file, manifest("222"));
    expect(await kubectl("apply", "-f", file)).toContain(
      "ciliumbgpadvertisement.cilium.io/pod-cidr configured",
    );
    await until("the preference at tor0", async () =>
      (
        await succeed(
          "exec",
          "tor0",
          "--lab",
          lab,
          "--",
          "vtysh",
          "-c",
          "show bgp ipv4 unicast 10.1.1.0/24",
        )
      ).includes("localpref 222"),
    );
    writeFileSync(file, manifest("high"));
    await expect(kubectl("apply", "-f", file)).rejects.toMatchObject({
      stderr: expect.stringMatching(/spec\.advertisements\[0\]\.attributes\.localPreference/),
    });
  },
);

withKubectl("a list that kubectl printed is replaced, and each object of it checked", async () => {
  const file = join(folder, "list.json");
  const printed = await kubectl("get", "ciliumbgpadvertisements", "-o", "json");
  expect(JSON.parse(printed)).toMatchObject({ apiVersion: "v1", kind: "List" });
  writeFileSync(file, printed.replace('"spec": {', '"spec": { "advertisment": [],'));
  await expect(kubectl("replace", "-f", file)).rejects.toMatchObject({
    stderr: expect.stringContaining('unknown field "spec.advertisment"'),
  });
  writeFileSync(file, printed);
  expect(await kubectl("replace", "-f", file)).toContain(
    "ciliumbgpadvertisement.cilium.io/pod-cidr replaced",
  );
});

withKubectl("a scenario that is played names what kubectl has made, and no more", async () => {
  const manifests = join(folder, "blue.yaml");
  writeFileSync(
    manifests,
    `apiVersion: apps/v1
kind: DaemonSet
metadata: { name: blue }
spec:
  selector: { matchLabels: { app: blue } }
  template:
    metadata: { labels: { app: blue } }
    spec:
      containers: [{ name: blue, image: "nicolaka/netshoot:v0.13", command: [sleep, infinity] }]
---
apiVersion: v1
kind: Service
metadata: { name: azure }
spec: { selector: { app: blue }, ports: [{ port: 80 }] }
`,
  );
  const scenario = join(folder, "blue-scenario.yaml");
  const check = (on: string) => `ping: { from: blue@kind-worker, to: blue@${on} }`;
  const play = (what: string) => {
    writeFileSync(
      scenario,
      `name: blue
steps:
  - name: blue pods reach each other
    within: 30s
    expect:
      - ${what}
      - resource: { kind: DaemonSet, name: blue, field: status.numberReady, equals: 3 }
`,
    );
    return spinelab("play", lab, scenario, "--report", folder);
  };
  const before = await play(check("kind-worker3"));
  expect(before).toMatchObject({ status: 2 });
  expect(before.stderr).toContain("no manifest makes a pod 'blue', nor does the API tell of one");
  expect(before.stderr).toContain(
    "no manifest makes DaemonSet 'default/blue', nor does the API tell of one",
  );

  await kubectl("apply", "-f", manifests);
  expect((await play(check("kind-worker3"))).stdout).toContain("PASSED");
  // Where its pods cannot be is told as of a manifest's, and what is nearly a name of it.
  const tainted = await play(check("kind-control-plane"));
  expect(tainted).toMatchObject({ status: 2 });
  expect(tainted.stderr).toMatch(/no pod 'blue' runs on 'kind-control-plane'[^]*in the API/);
  const misspelt = await play("http: { from: blue@kind-worker, to: service/default/asure }");
  expect(misspelt.stderr).toContain("did you mean 'service/default/azure'?");
  await kubectl("delete", "-f", manifests);
});

withKubectl("what the operator and the agents say is in the resources", async () => {
  expect(await kubectl("get", "ciliumbgpnodeconfigs", "-o", "name")).toContain(
    "ciliumbgpnodeconfig.cilium.io/kind-worker",
  );
  const path = "jsonpath={.status.bgpInstances[0].peers[0].peeringState}";
  await until(
    "the session in the status",
    async () => (await kubectl("get", "cbgpnode", "kind-worker", "-o", path)) === "established",
  );
});

withKubectl(
  "a DaemonSet's pod that is deleted comes again, with an address of its node",
  async () => {
    const name = async () =>
      (
        await kubectl("get", "pods", "-o", "name", "--field-selector", "spec.nodeName=kind-worker2")
      ).trim();
    const before = await name();
    await kubectl("delete", before, "--grace-period=0", "--force");
    const after = await until("another pod", async () => {
      const now = await name();
      return now !== "" && now !== before && now;
    });
    await kubectl("wait", "--for=condition=Ready", after, "--timeout=20s");
    expect(await kubectl("get", after, "-o", "jsonpath={.status.podIP}")).toMatch(/^10\.1\.2\./);
  },
);
