import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { EnvironmentError } from "../../src/input/diagnostic.ts";
import { address } from "../../src/net/address.ts";
import { prefix } from "../../src/net/prefix.ts";
import type { EchoRun, RouteChange, Runtime } from "../../src/runtime/port.ts";
import type { Echo } from "../../src/sys/echo-rows.ts";
import type { Fabric } from "../../src/topology/fabric.ts";

/** What a runtime brings to be held to the Runtime port. */
export type Candidate = {
  name: string;
  /** Has iproute2, ping, a shell and perl. */
  image: string;
  create(lab: string): Promise<Runtime> | Runtime;
  /** Everything of a lab that can be found on the machine: empty before `up` and after `down`. */
  traces(fabric: Fabric): Promise<string[]>;
};

const quiet = () => {};

/** One suite for every runtime: what the port promises, seen from outside. */
export function complies({ name, image, create, traces }: Candidate): void {
  describe(`${name} complies with the Runtime port`, () => {
    const shared = mkdtempSync(path.join(tmpdir(), "spinelab-compliance-"));
    const lab = twoNodes(`comply-${process.pid}`, image, shared);
    let runtime: Runtime;

    const run = async (node: string, line: string) => {
      const result = await runtime.exec({ node }, ["sh", "-c", line]);
      if (result.exitCode !== 0) throw new Error(`${node}: ${line}: ${result.stderr}`);
      return result.stdout.trim();
    };

    beforeAll(async () => {
      writeFileSync(path.join(shared, "note"), "from outside\n");
      runtime = await create(lab.name);
      expect(await traces(lab)).toEqual([]);
      await runtime.up(lab, quiet);
      await run("left", "ip addr add 10.9.0.1/24 dev net0; ip -6 addr add fd09::1/64 dev net0");
      await run("right", "ip addr add 10.9.0.2/24 dev net0; ip -6 addr add fd09::2/64 dev net0");
    });
    afterAll(async () => {
      await runtime?.down();
      rmSync(shared, { recursive: true });
    });

    it("carries packets over links, IPv4 and IPv6, with the link's MTU", async () => {
      await run("left", "ping -c 1 -W 2 10.9.0.2");
      await run("left", "ping -c 1 -W 2 fd09::2");
      expect(await run("left", "cat /sys/class/net/net0/mtu || ip link show net0")).toContain(
        "1400",
      );
    });

    it("forwards packets, and names the nodes", async () => {
      expect(await run("left", "cat /proc/sys/net/ipv4/ip_forward")).toBe("1");
      expect(await run("left", "hostname")).toBe("left");
      expect(await run("left", "cat /etc/hosts")).toMatch(/172\.29\.\d+\.\d+\s+right/);
      await run("left", "ping -c 1 -W 2 right");
    });

    it("gives the exit status and both outputs apart", async () => {
      const result = await runtime.exec({ node: "left" }, [
        "sh",
        "-c",
        "echo out; echo err >&2; exit 7",
      ]);
      expect(result).toMatchObject({ exitCode: 7, stdout: "out\n", stderr: "err\n" });
      expect(result.tookMs).toBeGreaterThan(0);
    });

    it("passes arguments as they are, and all of a long output", async () => {
      const odd = "two  words $HOME 'quoted' \\ *";
      const echo = await runtime.exec({ node: "left" }, ["printf", "%s", odd]);
      expect(echo.stdout).toBe(odd);
      const long = await runtime.exec({ node: "left" }, ["seq", "1", "200000"]);
      expect(long.stdout).toHaveLength(1_288_895);
    });

    it("gives all that each of many commands at once wrote, though busy when they end", async () => {
      const busy = setInterval(() => {
        const untilMs = performance.now() + 15;
        while (performance.now() < untilMs);
      }, 1);
      for (let round = 0; round < 3; round++) {
        const all = Array.from({ length: 100 }, (_, n) => {
          const line = `echo begun; sleep 0.${n % 10}${n % 7}; echo ${n}; exit ${n}`;
          return runtime.exec({ node: "left" }, ["sh", "-c", line]);
        });
        for (const [n, { stdout, exitCode }] of (await Promise.all(all)).entries()) {
          expect({ stdout, exitCode }).toEqual({ stdout: `begun\n${n}\n`, exitCode: n });
        }
      }
      clearInterval(busy);
    });

    it("sends echoes without end and tells of each, of both families and over a cut", async () => {
      for (const to of ["10.9.0.2", "fd09::2"].map(address)) {
        const echoes: Echo[] = [];
        const beganMs = Date.now();
        const probe = runtime.echo({ node: "left" }, to, 20, (echo) => echoes.push(echo));
        const replies = () => echoes.filter((echo) => echo.echo === "reply");
        await expect.poll(() => replies().length, { timeout: 10_000 }).toBeGreaterThan(4);
        await runtime.setLink(...lab.links[0]!.endpoints, "down");
        const before = replies().length;
        const silent = () => echoes.filter((echo) => echo.echo !== "reply").length;
        await expect.poll(silent, { timeout: 10_000 }).toBeGreaterThan(4);
        await runtime.setLink(...lab.links[0]!.endpoints, "up");
        await expect.poll(() => replies().length, { timeout: 20_000 }).toBeGreaterThan(before + 4);
        await probe.stop();
        const told = echoes.length;
        for (const reply of replies()) {
          expect(reply.rttMs).toBeGreaterThan(0);
          expect(reply.rttMs).toBeLessThan(10_000);
          expect(reply.atUnixMs).toBeGreaterThan(beganMs - 1_000);
          expect(reply.atUnixMs).toBeLessThan(Date.now() + 1_000);
          expect(reply.duplicate).toBe(false);
        }
        const numbers = replies().map(({ number }) => number);
        expect(numbers).toEqual([...new Set(numbers)].toSorted((a, b) => a - b));
        expect(echoes).toHaveLength(told);
      }
    });

    it("tells each of several echoes of one place of its own replies only", async () => {
      const counts = ["10.9.0.2", "10.9.0.2"].map(address).map((to) => {
        const numbers: number[] = [];
        const probe = runtime.echo({ node: "left" }, to, 20, (echo) => {
          if (echo.echo === "reply") numbers.push(echo.number);
        });
        return { numbers, probe };
      });
      const [one, other] = counts as [Counted, Counted];
      await expect.poll(() => one.numbers.length, { timeout: 10_000 }).toBeGreaterThan(4);
      await expect.poll(() => other.numbers.length, { timeout: 10_000 }).toBeGreaterThan(4);
      await one.probe.stop();
      const [told, heard] = [one.numbers.length, other.numbers.length];
      await expect.poll(() => other.numbers.length, { timeout: 10_000 }).toBeGreaterThan(heard + 4);
      await other.probe.stop();
      for (const { numbers } of [one, other]) expect(numbers).toEqual([...new Set(numbers)]);
      expect(one.numbers).toHaveLength(told);
    });

    it("feeds standard input to its end", async () => {
      const stdin = "line\n".repeat(50_000);
      const result = await runtime.exec({ node: "left" }, ["wc", "-l"], { stdin });
      expect(result.stdout.trim()).toBe("50000");
    });

    it("tells a command that is not there, and one that a signal ended", async () => {
      const missing = await runtime.exec({ node: "left" }, ["no-such-command"]);
      expect(missing.exitCode).toBe(127);
      const killed = await runtime.exec({ node: "left" }, ["sh", "-c", "kill -9 $$"]);
      expect(killed.exitCode).toBe(137);
    });

    it("kills a command that takes too long", async () => {
      const argv = ["sh", "-c", "echo begun; exec sleep 4711"];
      const result = await runtime.exec({ node: "left" }, argv, { timeoutMs: 500 });
      expect(result).toMatchObject({ exitCode: 124, stdout: "begun\n" });
      expect(result.stderr).toContain("500 ms");
      expect(await run("left", "ps -eo args")).not.toContain("sleep 4711");
    });

    it("has the node's environment, and the command's above it", async () => {
      const argv = ["sh", "-c", "echo $COLOUR $SHAPE"];
      const env = { SHAPE: "round" };
      expect((await runtime.exec({ node: "left" }, argv, { env })).stdout).toBe("red round\n");
      const other = { COLOUR: "blue" };
      expect((await runtime.exec({ node: "left" }, argv, { env: other })).stdout).toBe("blue\n");
    });

    it("binds files, read-only where asked", async () => {
      expect(await run("left", "cat /shared/note")).toBe("from outside");
      await run("left", "echo inside >/shared/reply");
      expect(readFileSync(path.join(shared, "reply"), "utf8")).toBe("inside\n");
      const refused = await runtime.exec({ node: "right" }, ["sh", "-c", "echo no >/shared/no"]);
      expect(refused.exitCode).not.toBe(0);
    });

    it("writes files with their mode, folders and all", async () => {
      await runtime.writeFile("left", "/run/deep/down/file", "content\n", 0o640);
      expect(await run("left", "stat -c %a /run/deep/down/file")).toBe("640");
      expect(await run("left", "cat /run/deep/down/file")).toBe("content");
      await runtime.writeFile("left", "/run/deep/down/file", "shorter", 0o600);
      expect(await run("left", "cat /run/deep/down/file")).toBe("shorter");
      await expect(runtime.writeFile("left", "/proc/no/such", "x")).rejects.toThrow("/proc/no");
    });

    it("spawns a command that speaks while it runs, and signals it", async () => {
      const script = "trap 'echo caught; exit 3' TERM; echo ready; while :; do sleep 0.05; done";
      const command = runtime.spawn({ node: "left" }, ["sh", "-c", script]);
      const output = collect(command.stdout!);
      await until("the command is ready", () => output.text.includes("ready"));
      command.kill("SIGTERM");
      expect(await command.ended).toEqual({ exitCode: 3 });
      expect(output.text).toBe("ready\ncaught\n");
    });

    it("kills a spawned command for good", async () => {
      const command = runtime.spawn({ node: "left" }, ["sleep", "4712"]);
      await until("it runs", async () => (await run("left", "ps -eo args")).includes("sleep 4712"));
      command.kill("SIGKILL");
      expect(await command.ended).toEqual({ exitCode: 137 });
      expect(await run("left", "ps -eo args")).not.toContain("sleep 4712");
    });

    it("joins a spawned command's input and a file of ours", async () => {
      const file = path.join(shared, "log");
      const log = openSync(file, "a");
      const command = runtime.spawn({ node: "left" }, ["cat"], { stdin: "pipe", stdout: log });
      closeSync(log);
      command.stdin!.end("through\n");
      expect(await command.ended).toEqual({ exitCode: 0 });
      await until("the file has it", () => readFileSync(file, "utf8") === "through\n");
    });

    it("cuts a cable: no carrier at either end, then all addresses and static routes are back", async () => {
      await run("left", "ip route replace 198.51.100.0/24 via 10.9.0.2");
      await run("left", "ip -6 route replace 2001:db8:9::/48 via fd09::2");
      const ends = [
        { node: "left", interface: "net0" },
        { node: "right", interface: "net0" },
      ] as const;
      await runtime.setLink(...ends, "down");
      const ping = await runtime.exec({ node: "right" }, [
        "ping",
        "-c",
        "1",
        "-W",
        "1",
        "10.9.0.1",
      ]);
      expect(ping.exitCode).not.toBe(0);
      expect(await run("right", "ip -brief link show net0")).not.toMatch(/\sUP\s/);
      await runtime.setLink(...ends, "down"); // a second cut changes nothing
      await runtime.setLink(...ends, "up");
      await run("left", "ping -c 1 -W 2 10.9.0.2");
      await until("IPv6 is back", async () => {
        const again = await runtime.exec({ node: "left" }, [
          "ping",
          "-c",
          "1",
          "-W",
          "1",
          "fd09::2",
        ]);
        return again.exitCode === 0;
      });
      expect(await run("left", "ip route show 198.51.100.0/24")).toContain("via 10.9.0.2 dev net0");
      expect(await run("left", "ip -6 route show 2001:db8:9::/48")).toContain("via fd09::2");
    });

    describe("a bad cable", () => {
      const left = { node: "left", interface: "net0" };
      const right = { node: "right", interface: "net0" };
      const pings = async (count: number) => {
        const argv = ["ping", "-q", "-i", "0.005", "-W", "1", "-c", String(count), "10.9.0.2"];
        const { stdout } = await runtime.exec({ node: "left" }, argv);
        const answered = Number(/(\d+) received/.exec(stdout)![1]);
        const rtt = /= ([\d.]+)\/([\d.]+)\/([\d.]+)/.exec(stdout)?.slice(1).map(Number) ?? [];
        return { answered, minMs: rtt[0]!, meanMs: rtt[1]!, maxMs: rtt[2]! };
      };
      /** Where a runtime can do nothing of the kind it says so, which is a result as well. */
      const impaired = async (...how: Parameters<Runtime["impairLink"]>) => {
        try {
          await runtime.impairLink(...how);
          return true;
        } catch (error) {
          expect(error).toBeInstanceOf(EnvironmentError);
          return false;
        }
      };

      it("delays, each direction for itself, and no more once it is as new", async () => {
        if (!(await impaired(left, right, { delayMs: 30 }))) return;
        expect((await pings(20)).minMs).toBeGreaterThanOrEqual(30);
        await runtime.impairLink(right, left, { delayMs: 30, jitterMs: 10 });
        const both = await pings(100);
        expect(both.minMs).toBeGreaterThanOrEqual(50);
        expect(both.maxMs - both.minMs).toBeGreaterThan(5);
        await runtime.impairLink(left, right, undefined);
        await runtime.impairLink(right, left, undefined);
        expect((await pings(20)).minMs).toBeLessThan(20);
      });

      it("loses so many packets, and all of them", async () => {
        await runtime.impairLink(left, right, { lossPercent: 20 });
        // Of 500 with 20 %: five standard deviations are 45.
        const { answered } = await pings(500);
        expect(answered).toBeGreaterThan(355);
        expect(answered).toBeLessThan(445);
        await runtime.impairLink(left, right, { lossPercent: 100 });
        expect((await pings(3)).answered).toBe(0);
        await runtime.impairLink(left, right, undefined);
        expect((await pings(20)).answered).toBe(20);
      });

      it("holds a rate", async () => {
        await runtime.impairLink(left, right, { rateBitsPerSecond: 1e6 });
        // 1,300 bytes take 10.4 ms at 1 Mbit/s, and here eight come at once: they queue.
        const argv = ["ping", "-q", "-l", "8", "-c", "8", "-s", "1258", "-W", "1"];
        const { stdout } = await runtime.exec({ node: "left" }, [...argv, "10.9.0.2"]);
        expect(Number(/= [\d.]+\/[\d.]+\/([\d.]+)/.exec(stdout)?.[1])).toBeGreaterThan(20);
        await runtime.impairLink(left, right, undefined);
      });

      it("damages what is sent: it arrives, and nobody takes it", async () => {
        if (!(await impaired(left, right, { corruptPercent: 100 }))) return;
        expect((await pings(20)).answered).toBeLessThan(5);
        await runtime.impairLink(left, right, undefined);
        expect((await pings(20)).answered).toBe(20);
      });

      it("is as bad as before when its node was stopped and started", async () => {
        if (!(await impaired(left, right, { delayMs: 30 }))) return;
        await runtime.stopNode("left");
        await runtime.startNode("left");
        await run("left", "ip addr add 10.9.0.1/24 dev net0; ip -6 addr add fd09::1/64 dev net0");
        expect((await pings(10)).minMs).toBeGreaterThanOrEqual(30);
        await runtime.impairLink(left, right, undefined);
      });
    });

    it("refuses to cut a cable that is not there", async () => {
      const a = { node: "left", interface: "net0" };
      const b = { node: "right", interface: "net7" };
      await expect(runtime.setLink(a, b, "down")).rejects.toThrow("no link left:net0");
    });

    it("hears route changes from the moment it is asked to, and of the nodes named only", async () => {
      const heard: RouteChange[] = [];
      const stop = runtime.watchRoutes(["left"], (change) => heard.push(change));
      await run("right", "ip route add 203.0.113.0/24 via 10.9.0.1");
      await run("left", "ip route add 203.0.113.0/24 via 10.9.0.2");
      await run("left", "ip route del 203.0.113.0/24");
      await until("both changes", () => heard.length >= 2);
      const about = { node: "left", prefix: "203.0.113.0/24", via: "10.9.0.2" };
      expect(heard).toEqual([
        expect.objectContaining({ ...about, change: "add" }),
        expect.objectContaining({ ...about, change: "delete" }),
      ]);
      expect(heard[0]!.atMs).toBeLessThanOrEqual(performance.now());
      stop();
      await run("left", "ip route add 203.0.113.0/24 via 10.9.0.2");
      expect(heard).toHaveLength(2);
    });

    it("stops a node as a power cut does, and starts it with its links, empty", async () => {
      const heard: RouteChange[] = [];
      const stopWatching = runtime.watchRoutes(["left"], (change) => heard.push(change));
      const running = runtime.spawn({ node: "left" }, ["sleep", "1000"]);
      await run("left", "touch /tmp/made-here; ip addr show net0");
      const mac = await run("left", "cat /sys/class/net/net0/address");
      await runtime.stopNode("left");
      expect((await running.ended).exitCode).not.toBe(0);
      await expect(runtime.exec({ node: "left" }, ["true"])).rejects.toThrow("left");
      // The other end is there as it was configured, without carrier.
      expect(await run("right", "ip -brief addr show net0")).toContain("10.9.0.2/24");
      expect(await run("right", "cat /sys/class/net/net0/carrier")).toBe("0");
      await runtime.startNode("left");
      expect(await run("left", "cat /sys/class/net/net0/address")).toBe(mac);
      expect(await run("left", "ip -4 -brief addr show net0")).not.toContain("10.9.0.1");
      await run("left", "ip addr add 10.9.0.1/24 dev net0; ip -6 addr add fd09::1/64 dev net0");
      await run("left", "ping -c 1 -W 2 10.9.0.2");
      await run("left", "ping -c 1 -W 2 right");
      await run("left", "ip route add 203.0.113.0/24 via 10.9.0.2");
      await until("its routes are heard", () =>
        heard.some(({ prefix: of, change }) => of === "203.0.113.0/24" && change === "add"),
      );
      stopWatching();
      await run("left", "ip route del 203.0.113.0/24");
    });

    it("connects to Unix sockets inside a node", async () => {
      const server = runtime.spawn({ node: "left" }, ["perl", "-e", echoServer, "/run/echo.sock"]);
      const output = collect(server.stdout!);
      await until("the server listens", () => output.text.includes("listening"));
      const socket = await runtime.connectUnix("left", "/run/echo.sock");
      const answer = collect(socket);
      socket.write("hello\n");
      await until("an answer", () => answer.text === "you said hello\n");
      socket.write("x".repeat(100_000));
      socket.write("\n");
      await until("a long one", () => answer.text.length === 15 + 9 + 100_001);
      const closed = new Promise((resolve) => socket.once("end", resolve));
      socket.end();
      await closed;
      server.kill("SIGKILL");
      await server.ended;
    });

    it("says with the system's code that nobody listens", async () => {
      await expect(runtime.connectUnix("left", "/run/none.sock")).rejects.toMatchObject({
        code: "ENOENT",
      });
    });

    it("holds two fabrics of the same nodes and addresses side by side", async () => {
      const otherLab = twoNodes(`comply-${process.pid}-b`, image, shared);
      const other = await create(otherLab.name);
      try {
        await other.up(otherLab, quiet);
        const line = "ip addr add 10.9.0.1/24 dev net0; ! ping -c 1 -W 1 10.9.0.2";
        const alone = await other.exec({ node: "left" }, ["sh", "-c", line]);
        expect(alone).toMatchObject({ exitCode: 0 });
      } finally {
        await other.down();
      }
      expect(await traces(otherLab)).toEqual([]);
      await run("left", "ping -c 1 -W 2 10.9.0.2");
      await run("left", "ping -c 1 -W 2 right");
    });

    it("leaves nothing behind, can be taken down twice, and comes up again at once", async () => {
      expect(await traces(lab)).not.toEqual([]);
      await runtime.down();
      await runtime.down();
      expect(await traces(lab)).toEqual([]);
      await expect(runtime.exec({ node: "left" }, ["true"])).rejects.toThrow("not up");
      runtime = await create(lab.name);
      await runtime.up(lab, quiet);
      await run("left", "ip addr add 10.9.0.1/24 dev net0");
    });
  });
}

type Counted = { numbers: number[]; probe: EchoRun };

const echoServer = `
  use IO::Socket::UNIX;
  my $server = IO::Socket::UNIX->new(Local => $ARGV[0], Listen => 5) or die $!;
  $| = 1; print "listening\\n";
  while (my $client = $server->accept) {
    $client->autoflush(1);
    while (my $line = <$client>) { print $client "you said $line" }
  }`;

function twoNodes(lab: string, image: string, shared: string): Fabric {
  const node = (name: string, n: number): Fabric["nodes"][number] => ({
    name,
    aliases: [],
    kind: "linux",
    image,
    hostname: name,
    exec: [],
    env: { COLOUR: "red" },
    sysctls: {},
    binds: [{ source: shared, destination: "/shared", readOnly: name === "right" }],
    labels: {},
    managementNetwork: "comply",
    managementAddress: address(`172.29.77.${n + 2}`),
  });
  return {
    name: lab,
    prefix: `clab-${lab}`,
    management: [
      {
        name: "comply",
        ipv4Subnet: prefix("172.29.77.0/24"),
        ipv4Gateway: address("172.29.77.1"),
      },
    ],
    nodes: ["left", "right"].map(node),
    links: [
      {
        endpoints: [
          { node: "left", interface: "net0" },
          { node: "right", interface: "net0" },
        ],
        mtu: 1400,
        source: "test",
      },
    ],
    clusters: [],
  };
}

function collect(stream: NodeJS.ReadableStream): { text: string } {
  const output = { text: "" };
  stream.on("data", (bytes: Buffer) => (output.text += bytes.toString("utf8")));
  return output;
}

async function until(what: string, look: () => boolean | Promise<boolean>): Promise<void> {
  const deadlineMs = performance.now() + 10_000;
  while (!(await look())) {
    if (performance.now() > deadlineMs) throw new Error(`${what}: not within 10 s`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
