import { type ChildProcess, execFile, execFileSync } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, test } from "vitest";
import { spinelab, start } from "./spinelab.ts";

/** The API server by itself, and a real kubectl as its user. */
const folder = mkdtempSync(join(tmpdir(), "spinelab-apiserver-"));
const data = join(folder, "data");
const kubeconfig = join(folder, "kubeconfig");
const args = ["apiserver", "--data", data, "--kubeconfig-out", kubeconfig, "--listen"];
let server: ChildProcess;

async function serve(): Promise<ChildProcess> {
  const child = start(...args, "127.0.0.1:0");
  const [line] = (await once(child.stdout!, "data")) as [Buffer];
  expect(line.toString()).toMatch(/^serving on https:\/\/127\.0\.0\.1:\d+\n$/);
  return child;
}

/** Whose lock it is: the launcher may run Node of another version as a child. */
const holder = () => Number(readFileSync(join(data, "lock"), "utf8").split(" ")[0]);

beforeAll(async () => void (server = await serve()));
afterAll(async () => {
  const ended = once(server, "close");
  process.kill(holder(), "SIGTERM");
  await ended;
  rmSync(folder, { recursive: true });
});

const hasKubectl = (() => {
  try {
    execFileSync("kubectl", ["version", "--client"], { stdio: "ignore" });
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return false;
    throw error;
  }
})();
// oxlint-disable-next-line vitest/expect-expect, vitest/no-disabled-tests, vitest/valid-title -- no call of a test
const withKubectl = test.skipIf(!hasKubectl);

async function kubectl(line: string): Promise<string> {
  const env = { ...process.env, KUBECONFIG: kubeconfig };
  return (await promisify(execFile)("kubectl", line.split(" "), { env })).stdout;
}

withKubectl(
  "kubectl create: each kind that it has a generator for and that is served",
  async () => {
    await kubectl("create namespace blue");
    for (const [line, made] of [
      ["configmap c --from-literal=a=b", "configmap/c"],
      ["secret generic s --from-literal=a=b", "secret/s"],
      ["service clusterip web --tcp=80:8080", "service/web"],
      ["serviceaccount bob", "serviceaccount/bob"],
      ["deployment web --image=nginx --replicas=2 --port=80", "deployment.apps/web"],
      ["role r --verb=get --resource=pods", "role.rbac.authorization.k8s.io/r"],
      ["rolebinding rb --role=r --user=ann", "rolebinding.rbac.authorization.k8s.io/rb"],
    ]) {
      expect(await kubectl(`create -n blue ${line}`)).toBe(`${made} created\n`);
    }
    expect(await kubectl("get -n blue secret s -o jsonpath={.data.a}")).toBe("Yg==");
    expect(await kubectl("get -n blue service web -o jsonpath={.spec.ports[0].targetPort}")).toBe(
      "8080",
    );
    expect(await kubectl("get -n blue deployment web -o jsonpath={.spec.replicas}")).toBe("2");
    expect(await kubectl("auth can-i create pods")).toBe("yes\n");
    expect(await kubectl("explain ciliumbgppeerconfigs.spec.timers")).toContain("holdTimeSeconds");
  },
);

test("a second server on its folder is refused, and says who has it; one that was killed is succeeded", async () => {
  const pid = holder();
  const second = await spinelab(...args, "127.0.0.1:0");
  expect(second).toMatchObject({ status: 2, stdout: "" });
  expect(second.stderr).toContain(`${data} is in use by process ${pid}`);
  expect(holder()).toBe(pid);

  const ended = once(server, "close");
  process.kill(pid, "SIGKILL");
  await ended;
  server = await serve();
  expect(holder()).not.toBe(pid);
  if (!hasKubectl) return;
  expect(await kubectl("get namespace blue -o name")).toBe("namespace/blue\n");
});
