import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { WebSocket } from "ws";
import { ManualClock } from "../manual-clock.ts";
import type { ApiServer } from "./api-server.ts";
import { FakeSandboxes } from "./fake-sandboxes.ts";
import type { KubeApi } from "./kube-api.ts";
import { eventually, startTestServer } from "./test-server.ts";

let api: KubeApi;
let server: ApiServer;
let url: string;
let sandboxes: FakeSandboxes;
let clock: ManualClock;
const at = { namespace: "default", name: "a" };
beforeEach(async () => {
  sandboxes = new FakeSandboxes();
  clock = new ManualClock(Date.parse("2026-11-20T10:00:00Z"));
  ({ api, server, url } = await startTestServer({ sandboxes, clock, token: "t" }));
  const spec = { nodeName: "n", containers: [{ name: "main", image: "x" }] };
  api.create("pods", { apiVersion: "v1", kind: "Pod", metadata: at, spec });
  report({ running: { startedAt: "2026-11-20T10:00:00Z" } });
});
afterEach(() => server.close());

const pod = "/api/v1/namespaces/default/pods/a";
const authorization = "Bearer t";

function report(state: object, phase = "Running"): void {
  const containerStatuses = [{ name: "main", restartCount: 0, state, lastState: {} }];
  const current = api.get("pods", at);
  api.update(
    "pods",
    { ...current, status: { phase, containerStatuses } },
    { subresource: "status" },
  );
}

/** Runs to the end; channel by channel what came, and the Status. */
function exec(
  query: string,
  send: (socket: WebSocket) => void = () => {},
  protocol = "v5.channel.k8s.io",
): Promise<{ stdout: string; stderr: string; status: Record<string, unknown>; code: number }> {
  const socket = new WebSocket(`${url.replace("http", "ws")}${pod}/exec?${query}`, [protocol], {
    headers: { authorization },
  });
  const got = ["", "", "", ""];
  return new Promise((resolve, reject) => {
    socket.on("error", reject);
    socket.on("unexpected-response", (_, response) => {
      let body = "";
      response.on("data", (chunk: Buffer) => (body += chunk.toString()));
      response.on("end", () => reject(new Error(`${response.statusCode}: ${body}`)));
    });
    socket.on("open", () => send(socket));
    socket.on("message", (data: Buffer) => (got[data[0]!] += data.subarray(1).toString()));
    socket.on("close", (code) => {
      const status = JSON.parse(got[3]!) as Record<string, unknown>;
      resolve({ stdout: got[1]!, stderr: got[2]!, status, code });
    });
  });
}

const frame = (channel: number, text: string) =>
  Buffer.concat([Buffer.of(channel), Buffer.from(text)]);

describe("exec", () => {
  test.each(["v5.channel.k8s.io", "v4.channel.k8s.io"])(
    "over %s: streams and success",
    async (protocol) => {
      const ended = await exec(
        "command=echo&command=a&command=b&stdout=true&stderr=true",
        undefined,
        protocol,
      );
      expect(ended).toEqual({
        stdout: "a b\n",
        stderr: "warned\n",
        status: { metadata: {}, status: "Success", code: 200 },
        code: 1000,
      });
    },
  );

  test("an exit code comes as kubectl reads it", async () => {
    const { status } = await exec("command=exit&command=7&stdout=true");
    expect(status).toMatchObject({
      status: "Failure",
      reason: "NonZeroExitCode",
      details: { causes: [{ reason: "ExitCode", message: "7" }] },
    });
  });

  test("stdin goes in until the client closes it", async () => {
    const { stdout, status } = await exec("command=cat&stdin=true&stdout=true", (socket) => {
      for (let i = 0; i < 100; i++) socket.send(frame(0, "x".repeat(30_000)));
      socket.send(Buffer.of(255, 0));
    });
    expect(stdout).toHaveLength(3_000_000);
    expect(status.status).toBe("Success");
  });

  test("a terminal is resized; a frame that is none is passed over", async () => {
    const { stdout, stderr } = await exec(
      "command=size&stdin=true&stdout=true&tty=true",
      (socket) => {
        socket.send(frame(4, "nonsense"));
        socket.send(frame(4, '{"Width":0,"Height":0}'));
        socket.send(frame(4, '{"Width":80,"Height":24}'));
        socket.send(frame(0, "\n"));
        socket.send(Buffer.of(255, 0));
      },
    );
    expect([stdout, stderr]).toEqual(["80x24", ""]);
  });

  test("a command that cannot start says why", async () => {
    const { status } = await exec("command=fail&stdout=true");
    expect(status).toMatchObject({ status: "Failure", message: "no such command", code: 500 });
  });

  test("a client that goes ends the command's input", async () => {
    const socket = new WebSocket(
      `${url.replace("http", "ws")}${pod}/exec?command=cat&stdin=true`,
      ["v5.channel.k8s.io"],
      { headers: { authorization } },
    );
    await new Promise((resolve) => socket.on("open", resolve));
    expect(sandboxes.inputsEnded).toBe(0);
    socket.terminate();
    await eventually(
      () => sandboxes.inputsEnded,
      (ended) => ended === 1,
    );
  });

  test.each([
    ["stdout=true", /400.*at least one command/],
    ["command=echo", /400.*at least one of stdin/],
    ["command=echo&stdout=true&container=other", /400.*container other is not valid/],
  ])("?%s is refused before the upgrade", async (query, message) => {
    await expect(exec(query)).rejects.toThrow(message);
  });

  test("is refused without the token, and where the container does not run", async () => {
    const open = new WebSocket(`${url.replace("http", "ws")}${pod}/exec?command=echo&stdout=true`);
    await expect(new Promise((_, reject) => open.on("error", reject))).rejects.toThrow(/401/);
    report({ waiting: { reason: "CrashLoopBackOff" } });
    await expect(exec("command=echo&stdout=true")).rejects.toThrow(
      /500.*not running: CrashLoopBackOff/,
    );
    report({}, "Succeeded");
    await expect(exec("command=echo&stdout=true")).rejects.toThrow(/400.*completed pod/);
    api.delete("pods", at, { gracePeriodSeconds: 0 });
    await expect(exec("command=echo&stdout=true")).rejects.toThrow(/404/);
  });

  test("in SPDY says what to use instead", async () => {
    const response = await fetch(`${url}${pod}/exec?command=echo&stdout=true`, {
      method: "POST",
      headers: { authorization },
    });
    expect([response.status, await response.text()]).toEqual([
      400,
      expect.stringContaining("version 1.31 or later"),
    ]);
  });
});

describe("logs", () => {
  const logs = async (query = "") => {
    const response = await fetch(`${url}${pod}/log?${query}`, { headers: { authorization } });
    return [response.status, await response.text()];
  };

  test("as a whole, the last lines, the first bytes", async () => {
    sandboxes.log = "one\ntwo\nthree\n";
    expect(await logs()).toEqual([200, "one\ntwo\nthree\n"]);
    expect(await logs("tailLines=2")).toEqual([200, "two\nthree\n"]);
    expect(await logs("tailLines=0")).toEqual([200, ""]);
    expect(await logs("limitBytes=5")).toEqual([200, "one\nt"]);
    expect((await logs("container=other"))[0]).toBe(400);
    report({ waiting: { reason: "ContainerCreating" } });
    expect(await logs()).toEqual([
      400,
      expect.stringContaining("is waiting to start: ContainerCreating"),
    ]);
  });

  test("followed until the pod is gone", async () => {
    sandboxes.log = "one\n";
    const following = logs("follow=true");
    await eventually(
      () => clock.timers,
      (timers) => timers === 1,
    );
    // Of a long log the beginning goes.
    for (const log of ["one\ntwo\n", "two\nthree\n"]) {
      sandboxes.log = log;
      clock.advance(500);
      await eventually(
        () => clock.timers,
        (timers) => timers === 1,
      );
    }
    api.delete("pods", at, { gracePeriodSeconds: 0 });
    clock.advance(500);
    expect(await following).toEqual([200, "one\ntwo\nthree\n"]);
  });
});
