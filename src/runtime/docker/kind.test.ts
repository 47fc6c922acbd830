import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { EnvironmentError } from "../../input/diagnostic.ts";
import { KindError, kindVersion } from "./kind-command.ts";
import { ClusterExistsError, KindCluster } from "./kind.ts";

/**
 * A kind and a docker that keep their clusters as files of a folder. A file `fail` there: creating
 * ends with an error half-way; `hang`: it goes on until it is ended.
 */
const fakeKind = `#!/bin/sh
cd "$(dirname "$0")"
echo "kind $* DOCKER_HOST=$DOCKER_HOST" >> calls
name() { while [ $# -gt 0 ]; do [ "$1" = --name ] && echo "$2"; shift; done; }
case "$1 $2" in
  "version -q") cat version ;;
  "get clusters") ls clusters ;;
  "get nodes") cat "clusters/$(name "$@")" 2>/dev/null || echo "No kind nodes found for cluster" ;;
  "get kubeconfig") echo "kubeconfig of $(name "$@") $5" ;;
  "create cluster")
    cat > config
    touch network
    if [ -e quicker ]; then
      touch clusters/other
      echo 'ERROR: failed to create cluster: node(s) already exist for a cluster with the name "other"' >&2
      exit 1
    fi
    echo "$(name "$@")-control-plane" > "clusters/$(name "$@")"
    printf ' • Preparing nodes 📦  ...\\n ✓ Preparing nodes 📦\\n • Starting control-plane 🕹️  ...\\n' >&2
    if [ -e hang ]; then touch hanging; sleep 60; fi
    if [ -e fail ]; then echo 'ERROR: failed to create cluster: kubeadm said no' >&2; exit 1; fi
    echo "$(name "$@")-worker" >> "clusters/$(name "$@")" ;;
  "delete cluster")
    [ ! -e stuck ] || { echo 'ERROR: engine is gone' >&2; exit 1; }
    rm -f "clusters/$(name "$@")" ;;
  "load docker-image") case $3 in there*) ;; *) false ;; esac || { echo 'ERROR: not present locally' >&2; exit 1; } ;;
esac
`;
const fakeDocker = `#!/bin/sh
cd "$(dirname "$0")"
echo "docker $*" >> calls
case "$*" in
  "network inspect kind") [ -e network ] ;;
  "network create "*--ipv6*kind)
    [ ! -e no-ipv6 ] || { echo "Cannot read IPv6 setup for bridge" >&2; exit 1; }
    [ ! -e taken ] || { echo "pool overlaps" >&2; exit 1; }; touch network ;;
  "network create "*) [ ! -e taken ] || { echo "pool overlaps" >&2; exit 1; }; touch network ;;
  "network rm kind") rm network ;;
  "cp "*) [ -e "$3" ] || { echo "no such file" >&2; exit 1; } ;;
esac
`;

let folder: string;
const file = (name: string) => join(folder, name);
const calls = () => readFileSync(file("calls"), "utf8").trimEnd().split("\n");
const options = (name = "lab") => ({
  name,
  command: file("kind"),
  env: { PATH: `${folder}:${process.env["PATH"]}`, DOCKER_HOST: "tcp://far:2376" },
  kubeconfig: file("kubeconfig"),
});
const config = "kind: Cluster\napiVersion: kind.x-k8s.io/v1alpha4\n";

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "spinelab-kind-"));
  mkdirSync(file("clusters"));
  writeFileSync(file("version"), "0.30.0\n");
  writeFileSync(file("kind"), fakeKind);
  writeFileSync(file("docker"), fakeDocker);
  for (const name of ["kind", "docker"]) chmodSync(file(name), 0o755);
});
afterEach(() => rmSync(folder, { recursive: true }));

test("creates from the file's text, under the name, on the engine that was chosen", async () => {
  const said: string[] = [];
  const onProgress = (line: string) => said.push(line);
  const cluster = await KindCluster.create({ ...options(), config, image: "node:1", onProgress });

  expect(readFileSync(file("config"), "utf8")).toBe(config);
  expect(calls()).toContain(
    `kind create cluster --name lab --kubeconfig ${file("kubeconfig")} --image node:1 --config - DOCKER_HOST=tcp://far:2376`,
  );
  expect(said).toEqual(["Preparing nodes", "Starting control-plane"]);
  expect(await cluster.nodes()).toEqual(["lab-control-plane", "lab-worker"]);
  expect(await cluster.kubeconfig()).toBe("kubeconfig of lab \n");
  expect(await cluster.kubeconfig(true)).toBe("kubeconfig of lab --internal\n");
});

test("deletes the cluster, and kind's network where it made that", async () => {
  const cluster = await KindCluster.create({ ...options(), config });
  await cluster.delete();
  expect([existsSync(file("clusters/lab")), existsSync(file("network"))]).toEqual([false, false]);
  await cluster.delete(); // Fine where it is gone.
});

test("makes kind's network with the subnet asked for, where it is not there", async () => {
  const networkSubnet = "172.18.0.0/16";
  await (await KindCluster.create({ ...options(), config, networkSubnet })).delete();
  const creations = () => calls().filter((call) => call.startsWith("docker network create"));
  const both = "--subnet 172.18.0.0/16 --ipv6 --subnet fc00:f853:ccd:e793::/64 kind";
  expect(creations()).toEqual([expect.stringContaining(both)]);
  expect(existsSync(file("network"))).toBe(false);
  writeFileSync(file("taken"), "");
  const taken = KindCluster.create({ ...options(), config, networkSubnet });
  await expect(taken).rejects.toThrow("cannot be made with 172.18.0.0/16: pool overlaps");
  writeFileSync(file("network"), "");
  await KindCluster.create({ ...options(), config, networkSubnet });
  expect(creations()).toHaveLength(2);
});

test("makes kind's network without IPv6 where the engine's machine has none", async () => {
  writeFileSync(file("no-ipv6"), "");
  const cluster = await KindCluster.create({
    ...options(),
    config,
    networkSubnet: "172.18.0.0/16",
  });
  expect(calls().filter((call) => call.startsWith("docker network create"))).toEqual([
    expect.stringContaining("--ipv6"),
    expect.stringMatching(/--subnet 172\.18\.0\.0\/16 kind$/),
  ]);
  await cluster.delete();
});

test("leaves kind's network to those who had it before, or have it still", async () => {
  writeFileSync(file("network"), "");
  await (await KindCluster.create({ ...options(), config })).delete();
  expect(existsSync(file("network"))).toBe(true);

  rmSync(file("network"));
  const [one, other] = [
    await KindCluster.create({ ...options("one"), config }),
    await KindCluster.create({ ...options("other"), config }),
  ];
  await one.delete();
  expect(existsSync(file("network"))).toBe(true);
  await other.delete();
});

test("a creation that fails says all that kind said, and leaves nothing", async () => {
  writeFileSync(file("fail"), "");
  const failure = await KindCluster.create({ ...options(), config }).catch(
    (error: unknown) => error,
  );
  expect(failure).toBeInstanceOf(KindError);
  const { message } = failure as KindError;
  expect(message).toContain("ended with status 1");
  expect(message).toContain("Starting control-plane");
  expect(message).toContain("kubeadm said no");
  expect(existsSync(file("clusters/lab"))).toBe(false);
});

test("where not even deleting works, both errors are told", async () => {
  writeFileSync(file("fail"), "");
  writeFileSync(file("stuck"), "");
  const creation = KindCluster.create({ ...options(), config });
  await expect(creation).rejects.toThrow(
    /kubeadm said no[^]*could not be deleted[^]*engine is gone/,
  );
});

test("a creation that is interrupted ends at once, with the signal's reason, and leaves nothing", async () => {
  writeFileSync(file("hang"), "");
  const interrupted = new AbortController();
  const began = performance.now();
  const creation = KindCluster.create({
    ...{ ...options(), config, signal: interrupted.signal },
    // The last line before it hangs.
    onProgress: (line) => {
      if (line === "Starting control-plane") interrupted.abort(new Error("Ctrl-C"));
    },
  });
  await expect(creation).rejects.toThrow("Ctrl-C");
  expect(performance.now() - began).toBeLessThan(5_000);
  expect(existsSync(file("clusters/lab"))).toBe(false);
});

test("what is done while kind starts Kubernetes is waited for; where it fails the cluster goes too", async () => {
  const did: string[] = [];
  await KindCluster.create({
    ...{ ...options(), config },
    whileStarting: async (cluster) => {
      did.push(`begun: ${(await cluster.nodes()).length} node`);
      while (readFileSync(file("clusters/lab"), "utf8").trim().split("\n").length < 2) {
        await new Promise((resolve) => setTimeout(resolve, 5));
      }
      await new Promise((resolve) => setTimeout(resolve, 20));
      did.push("ended");
    },
  });
  expect(did).toEqual([expect.stringMatching(/^begun/), "ended"]);

  writeFileSync(file("hang"), "");
  const other = KindCluster.create({
    ...{ ...options("other"), config },
    whileStarting: async () => {
      throw new Error("no such image");
    },
  });
  await expect(other).rejects.toThrow("no such image");
  expect(existsSync(file("clusters/other"))).toBe(false);
});

test("what is done meanwhile is told when kind fails", async () => {
  writeFileSync(file("fail"), "");
  let told: unknown;
  const creation = KindCluster.create({
    ...{ ...options(), config },
    whileStarting: (_, signal) =>
      new Promise((_resolve, reject) => {
        signal.addEventListener("abort", () => {
          told = signal.reason;
          reject(signal.reason as Error);
        });
      }),
  });
  await expect(creation).rejects.toThrow("kubeadm said no");
  expect((told as Error).message).toContain("kubeadm said no");
});

test("nothing is created where the signal came first", async () => {
  const signal = AbortSignal.abort(new Error("Ctrl-C"));
  await expect(KindCluster.create({ ...options(), config, signal })).rejects.toThrow("Ctrl-C");
  expect(calls().some((call) => call.startsWith("kind create"))).toBe(false);
});

test("a cluster of that name that is there already is not touched", async () => {
  writeFileSync(file("clusters/lab"), "lab-control-plane\n");
  await expect(KindCluster.create({ ...options(), config })).rejects.toThrow(
    "a kind cluster lab is there already, and it is not touched",
  );
  expect(existsSync(file("clusters/lab"))).toBe(true);
  // Somebody makes one of the same name at the same time, and is quicker.
  writeFileSync(file("quicker"), "");
  await expect(KindCluster.create({ ...options("other"), config })).rejects.toBeInstanceOf(
    ClusterExistsError,
  );
  expect(existsSync(file("clusters/other"))).toBe(true);
});

test("loads images, and copies a file", async () => {
  const cluster = await KindCluster.create({ ...options(), config });
  await cluster.loadImages(["there"]);
  await cluster.loadImages(["there", "there:2"]);
  await cluster.loadImages(["there"]);
  const loads = calls().filter((call) => call.startsWith("kind load"));
  expect(loads.map((call) => call.replace(/ DOCKER_HOST=.*/, ""))).toEqual([
    "kind load docker-image there --name lab",
    "kind load docker-image there:2 --name lab",
  ]);
  await expect(cluster.loadImages(["elsewhere"])).rejects.toThrow("not present locally");
  await cluster.copyInto("lab-worker", file("kind"), "/opt/x");
  await expect(cluster.copyInto("lab-worker", file("none"), "/opt/x")).rejects.toThrow(
    "no such file",
  );
});

test("no kind, no docker, or a kind too old: what to do", async () => {
  const missing = kindVersion({ command: file("none") });
  await expect(missing).rejects.toBeInstanceOf(EnvironmentError);
  await expect(missing).rejects.toMatchObject({
    remedy: expect.stringContaining("go install sigs.k8s.io/kind@") as string,
  });

  writeFileSync(file("version"), "0.11.1\n");
  await expect(kindVersion(options())).rejects.toThrow("kind 0.11.1 is too old: 0.20.0 or newer");
  writeFileSync(file("version"), "v1.0.0-alpha+abc\n");
  expect(await kindVersion(options())).toBe("1.0.0-alpha+abc");
  writeFileSync(file("version"), "what?\n");
  await expect(kindVersion(options())).rejects.toThrow("tells no version");
});
