import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import { finished } from "node:stream/promises";
import type { WebSocket, WebSocketServer } from "ws";
import type { Pod } from "../kinds.ts";
import type { PodExec, PodName, PodSandboxes } from "../pod-sandbox.ts";
import { ApiError, badRequest, type Status } from "./api-error.ts";
import type { KubeApi } from "./kube-api.ts";

/** First byte of each frame (k8s.io/apimachinery/pkg/util/remotecommand). */
const Channel = { stdin: 0, stdout: 1, stderr: 2, error: 3, resize: 4, close: 255 } as const;

/** v5 is v4 with the close channel, by which a client ends its stdin. */
const protocols = ["v5.channel.k8s.io", "v4.channel.k8s.io"];

/** A client may say no more than this in one frame: kubectl sends 32 KiB at most. */
const frameBytesMax = 1024 * 1024;

export type ExecRequest = PodName & {
  argv: string[];
  stdin: boolean;
  stdout: boolean;
  stderr: boolean;
  terminal: boolean;
};

/** Reads and checks the request's query. Throws what is to be answered instead of the upgrade. */
export function execRequest(api: KubeApi, pod: PodName, query: URLSearchParams): ExecRequest {
  const flag = (name: string) => /^(true|1)$/.test(query.get(name) ?? "");
  const argv = query.getAll("command");
  if (argv.length === 0) throw badRequest("you must specify at least one command");
  const streams = { stdin: flag("stdin"), stdout: flag("stdout"), stderr: flag("stderr") };
  if (!streams.stdin && !streams.stdout && !streams.stderr) {
    throw badRequest("you must specify at least one of stdin, stdout, stderr");
  }
  runningContainer(api, pod, query.get("container"));
  return { ...pod, argv, ...streams, terminal: flag("tty") };
}

/** The container's name, where the pod is and runs; throws what the kubelet would say. */
export function runningContainer(api: KubeApi, pod: PodName, wanted: string | null): string {
  const object = api.get("pods", pod) as Pod;
  const names = object.spec.containers.map((container) => container.name);
  const container = wanted ?? names[0]!;
  if (!names.includes(container)) {
    throw badRequest(`container ${container} is not valid for pod ${pod.name}`);
  }
  if (!object.spec.nodeName) throw badRequest(`pod ${pod.name} does not have a host assigned`);
  const phase = object.status?.phase;
  if (phase === "Succeeded" || phase === "Failed") {
    throw badRequest(`cannot exec into a container in a completed pod; current phase is ${phase}`);
  }
  const status = object.status?.containerStatuses?.find((one) => one.name === container);
  if (!status?.state.running) {
    const why = status?.state.waiting?.reason ?? status?.state.terminated?.reason ?? phase;
    throw new ApiError(
      500,
      "InternalError",
      `container ${container} of pod ${pod.name} is not running: ${why}`,
    );
  }
  return container;
}

let server: WebSocketServer | undefined;

/** Upgrades the connection and joins it to the command. Resolves when the command's end is told. */
export async function serveExec(
  request: IncomingMessage,
  socket: Duplex,
  head: Buffer,
  wanted: ExecRequest,
  sandboxes: PodSandboxes,
): Promise<void> {
  // Loaded at the first use: most servers never see an exec.
  if (!server) {
    const { WebSocketServer } = await import("ws");
    server = new WebSocketServer({
      noServer: true,
      maxPayload: frameBytesMax,
      handleProtocols: (offered) => protocols.find((one) => offered.has(one)) ?? false,
    });
  }
  const webSocket = await new Promise<WebSocket>((resolve) => {
    server!.handleUpgrade(request, socket, head, resolve);
  });
  let status: Omit<Status, "kind" | "apiVersion">;
  try {
    const exec = sandboxes.exec(wanted, wanted.argv, { terminal: wanted.terminal });
    const { exitCode } = await join(webSocket, exec, wanted);
    status = exitCode === 0 ? { metadata: {}, status: "Success", code: 200 } : exited(exitCode);
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    status = { metadata: {}, status: "Failure", reason: "InternalError", message, code: 500 };
  }
  if (webSocket.readyState !== webSocket.OPEN) return;
  webSocket.send(framed(Channel.error, Buffer.from(JSON.stringify(status))));
  webSocket.close(1000);
}

function exited(exitCode: number): Omit<Status, "kind" | "apiVersion"> {
  return {
    metadata: {},
    status: "Failure",
    reason: "NonZeroExitCode",
    message: `command terminated with non-zero exit code: exit status ${exitCode}`,
    details: { causes: [{ reason: "ExitCode", message: String(exitCode), field: "" }] },
    code: 500,
  };
}

async function join(webSocket: WebSocket, exec: PodExec, wanted: ExecRequest) {
  const pump = async (stream: NodeJS.ReadableStream | undefined, channel: number, on: boolean) => {
    if (!stream) return;
    if (!on) stream.resume();
    else {
      stream.on("data", (chunk: Buffer) => {
        // One chunk in flight: a client that reads slowly slows the command, not our memory.
        stream.pause();
        webSocket.send(framed(channel, chunk), () => stream.resume());
      });
    }
    await finished(stream, { writable: false });
  };
  // A command that ends early no longer reads what is still sent to it.
  exec.stdin.on("error", () => {});
  webSocket.on("message", (data: Buffer) => {
    const channel = data[0];
    const payload = data.subarray(1);
    if (channel === Channel.stdin && wanted.stdin) {
      if (exec.stdin.write(payload)) return;
      webSocket.pause();
      exec.stdin.once("drain", () => webSocket.resume());
    } else if (channel === Channel.close && payload[0] === Channel.stdin) exec.stdin.end();
    else if (channel === Channel.resize && wanted.terminal) resize(exec, payload);
  });
  webSocket.on("close", () => exec.stdin.end());
  webSocket.on("error", () => webSocket.terminate());
  if (!wanted.stdin) exec.stdin.end();
  const [ended] = await Promise.all([
    exec.ended,
    pump(exec.stdout, Channel.stdout, wanted.stdout),
    pump(exec.stderr, Channel.stderr, wanted.stderr),
  ]);
  return ended;
}

function resize(exec: PodExec, payload: Buffer): void {
  let size: { Width?: unknown; Height?: unknown };
  try {
    size = JSON.parse(payload.toString()) as typeof size;
  } catch {
    return; // The terminal keeps its size; the protocol has no answer to a bad frame.
  }
  const { Width: columns, Height: rows } = size;
  if (typeof columns === "number" && typeof rows === "number" && columns > 0 && rows > 0) {
    exec.resize(columns, rows);
  }
}

function framed(channel: number, payload: Buffer): Buffer {
  return Buffer.concat([Buffer.of(channel), payload]);
}
