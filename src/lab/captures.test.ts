import { existsSync, mkdtempSync, readFileSync, rmSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PassThrough } from "node:stream";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { Runtime, RunningCommand } from "../runtime/port.ts";
import { Captures } from "./captures.ts";

let folder: string;
let captures: Captures;
const said: string[] = [];
/** What runs in place of tcpdump, by interface. */
const running = new Map<string, FakeTcpdump>();

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "spinelab-captures-"));
  captures = new Captures(join(folder, "captures"), { packets: 5, bytes: 1024 * 1024 });
  said.length = 0;
  running.clear();
});

afterEach(() => rmSync(folder, { recursive: true }));

class FakeTcpdump implements RunningCommand {
  readonly pid = 1;
  readonly stdin = null;
  readonly stdout = null;
  readonly stderr = new PassThrough();
  readonly #end = Promise.withResolvers<{ exitCode: number }>();
  readonly ended = this.#end.promise;
  readonly #fd: number;

  constructor(fd: number) {
    this.#fd = fd;
    this.stderr.write("tcpdump: listening on net0\n");
  }

  write(bytes: string | Uint8Array): void {
    writeSync(this.#fd, Buffer.from(bytes));
  }

  end(exitCode: number): void {
    this.#end.resolve({ exitCode });
  }

  kill(signal: NodeJS.Signals): void {
    if (signal === "SIGINT") this.end(0);
  }
}

const runtime = {
  spawn(_: unknown, argv: readonly string[], options: { stdout: number }) {
    const command = new FakeTcpdump(options.stdout);
    running.set(argv[argv.indexOf("-i") + 1]!, command);
    return command;
  },
} as unknown as Runtime;

const start = (...interfaces: string[]) =>
  captures.start(runtime, interfaces, (record) => {
    if (record.type === "log") said.push(record.message);
  });

async function taken(): Promise<Record<string, string>> {
  const files = (await captures.take()) as { path: string; file: string }[];
  return Object.fromEntries(files.map(({ path, file }) => [path, readFileSync(file, "utf8")]));
}

test("what is taken is files, which are whole; the next capture begins without them", async () => {
  await start("tor0:net0", "tor1:net1");
  running.get("net0")!.write("packets");
  expect(await taken()).toEqual({
    "captures/tor0-net0.pcap": "packets",
    "captures/tor1-net1.pcap": "",
  });
  expect(said).toEqual([]);
  await start("tor0:net0");
  expect(existsSync(join(folder, "captures/tor1-net1.pcap"))).toBe(false);
  expect(await taken()).toEqual({ "captures/tor0-net0.pcap": "" });
});

test("one that grows too large ends, and the timeline says so; what it has is kept", async () => {
  await start("tor0:net0");
  running.get("net0")!.write(new Uint8Array(1024 * 1024 + 1));
  await running.get("net0")!.ended;
  expect(said).toEqual(["capture of tor0:net0 is full (1 MiB): what comes now is not in it"]);
  // A scenario that names the same interface does not begin it anew.
  await start("tor0:net0", "tor1:net1");
  expect((await taken())["captures/tor0-net0.pcap"]).toHaveLength(1024 * 1024 + 1);
});

test("one that has all the packets that it may have says so, and one that fails says why", async () => {
  await start("tor0:net0", "tor1:net1");
  running.get("net0")!.end(0);
  running.get("net1")!.stderr.write("tcpdump: net1: interface went away\n");
  running.get("net1")!.end(1);
  await vi.waitFor(() => expect(said).toHaveLength(2));
  expect(said).toEqual([
    "capture of tor0:net0 is full (5 packets): what comes now is not in it",
    expect.stringMatching(/^capture of tor1:net1 ended with status 1: .*went away$/s),
  ]);
});
