import { parentPort, receiveMessageOnPort, workerData } from "node:worker_threads";
import { EchoSocket, unixMs } from "./icmp.ts";
import type { EchoCommand, EchoReport } from "./echo.ts";
import { drain, Epoll } from "./epoll.ts";

/**
 * A thread that does nothing but send echo requests when they are due and note their replies. It
 * waits in the kernel and never in an event loop, so that nothing else makes it late.
 */
type Probe = {
  socket: EchoSocket;
  everyMs: number;
  dueMs: number;
  sent: number;
  answered: number;
  sentAtMs: Float64Array;
  lateMs: number;
};

/** Replies that come later than this many packets are not known any more. */
const remembered = 1 << 16;
/** How long reports are gathered: a message to the main thread costs more than a packet. */
const reportEveryMs = 20;
/** Node cannot end a thread that waits in the kernel: where the process ends, this is how long it takes. */
const waitMsMax = 100;

const { wake } = workerData as { wake: number };
const port = parentPort!;
const epoll = new Epoll();
const probes = new Map<number, Probe>();
const bySocket = new Map<number, number>();
let reports: EchoReport[] = [];
let reportDueMs = Infinity;
epoll.add(wake);

for (;;) {
  const nowMs = performance.now();
  let dueMs = reportDueMs;
  for (const probe of probes.values()) dueMs = Math.min(dueMs, probe.dueMs);
  for (const fd of epoll.wait(Math.min(dueMs - nowMs, waitMsMax))) {
    const id = bySocket.get(fd);
    if (id !== undefined) hear(id);
  }
  obey();
  for (const [id, probe] of probes) if (probe.dueMs <= performance.now()) send(id, probe);
  if (reports.length > 0 && performance.now() >= reportDueMs) {
    port.postMessage(reports);
    reports = [];
    reportDueMs = Infinity;
  }
}

function obey(): void {
  drain(wake);
  for (;;) {
    const received = receiveMessageOnPort(port);
    if (received === undefined) return;
    const command = received.message as EchoCommand;
    if (command.do === "start") start(command);
    else if (command.do === "stop") stop(command.id);
    else {
      for (const id of probes.keys()) stop(id);
      epoll.close();
      process.exit();
    }
  }
}

function start({ id, namespace, to, everyMs }: Extract<EchoCommand, { do: "start" }>): void {
  try {
    const socket = new EchoSocket(namespace, to, id & 0xffff);
    const sentAtMs = new Float64Array(remembered);
    const dueMs = performance.now();
    probes.set(id, { socket, everyMs, dueMs, sent: 0, answered: 0, sentAtMs, lateMs: 0 });
    bySocket.set(socket.fd, id);
    epoll.add(socket.fd);
  } catch (error) {
    tell({ id, failed: (error as Error).message });
  }
}

function stop(id: number): void {
  const probe = probes.get(id);
  if (probe === undefined) return; // It could not start.
  while (hear(id));
  probes.delete(id);
  bySocket.delete(probe.socket.fd);
  probe.socket.close();
  tell({ id, lateMs: probe.lateMs });
}

function send(id: number, probe: Probe): void {
  const lateMs = performance.now() - probe.dueMs;
  probe.lateMs = Math.max(probe.lateMs, lateMs);
  // What is late by whole intervals is left out: a burst would measure nothing.
  probe.dueMs += probe.everyMs * (1 + Math.floor(lateMs / probe.everyMs));
  const atUnixMs = unixMs();
  if (probe.answered < probe.sent) {
    tell({ id, echo: { echo: "none", number: probe.sent, atUnixMs } });
  }
  if (probe.socket.send(probe.sent + 1) !== undefined) {
    tell({ id, echo: { echo: "refused", atUnixMs } });
    return;
  }
  probe.sent++;
  probe.sentAtMs[probe.sent % remembered] = atUnixMs;
}

/** One reply: where more lie ready, epoll says so at once. */
function hear(id: number): boolean {
  const probe = probes.get(id)!;
  const reply = probe.socket.reply();
  if (reply === undefined) return false;
  const { number, atUnixMs } = reply;
  if (number > probe.sent || number <= probe.sent - remembered) return true;
  const sentMs = probe.sentAtMs[number % remembered]!;
  // Negative once it was answered.
  probe.sentAtMs[number % remembered] = -Math.abs(sentMs);
  probe.answered = Math.max(probe.answered, number);
  const rttMs = atUnixMs - Math.abs(sentMs);
  tell({ id, echo: { echo: "reply", number, atUnixMs, rttMs, duplicate: sentMs < 0 } });
  return true;
}

function tell(report: EchoReport): void {
  reports.push(report);
  reportDueMs = Math.min(reportDueMs, performance.now() + reportEveryMs);
}
