import { setPriority } from "node:os";
import { parentPort, receiveMessageOnPort, workerData } from "node:worker_threads";
import { familyOf } from "../net/address.ts";
import type { EchoCommand, EchoEnd, EchoReports } from "./echo.ts";
import { EchoRows } from "./echo-rows.ts";
import { drain, Epoll } from "./epoll.ts";
import { EchoSocket, replyBytes, unixMs } from "./icmp.ts";
import { socketAddress } from "./libc.ts";
import { ReceiveBatch } from "./receive-batch.ts";

/**
 * A thread that does nothing but send echo requests when they are due and note their replies. It
 * waits in the kernel and never in an event loop, so that nothing else makes it late. A reply bears the
 * kernel's time, so nobody wakes for one: replies are read before the next packets are sent.
 */
type Probe = {
  id: number;
  source: Source;
  address: Buffer;
  everyMs: number;
  dueMs: number;
  sent: number;
  answered: number;
  sentAtMs: Float64Array;
  lateMs: number;
};

/** The one socket of all probes of a network namespace and address family. */
type Source = { key: string; socket: EchoSocket; probes: Map<number, Probe> };

/** Replies that come later than this many packets are not known any more. */
const remembered = 1 << 16;
/** How long reports are gathered, and replies wait at most: a message to the main thread costs more than a packet. */
const reportEveryMs = 20;
/** Node cannot end a thread that waits in the kernel: where the process ends, this is how long it takes. */
const waitMsMax = 100;

const { wake } = workerData as { wake: number };
const port = parentPort!;
const epoll = new Epoll();
const batch = new ReceiveBatch(replyBytes);
const sources = new Map<string, Source>();
const probes = new Map<number, Probe>();
const rows = new EchoRows();
let ends: EchoEnd[] = [];
let reportDueMs = 0;
epoll.add(wake);
goFirst();

for (;;) {
  let dueMs = probes.size > 0 || ends.length > 0 ? reportDueMs : Infinity;
  for (const probe of probes.values()) dueMs = Math.min(dueMs, probe.dueMs);
  const woken = epoll.wait(Math.min(dueMs - performance.now(), waitMsMax)).length > 0;
  for (const source of sources.values()) hear(source);
  if (woken) obey();
  const nowMs = performance.now();
  const aheadMs = unixMs() - nowMs;
  for (const probe of probes.values()) if (probe.dueMs <= nowMs) send(probe, aheadMs);
  if (nowMs >= reportDueMs) report();
}

/** Of all that the machine does, packets that are due come first. Where that is not allowed they are later, and say so. */
function goFirst(): void {
  try {
    setPriority(-20); // On Linux a thread's own.
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code !== "ERR_SYSTEM_ERROR") throw error;
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
      report();
      epoll.close();
      process.exit();
    }
  }
}

function start({ id, namespace, to, everyMs }: Extract<EchoCommand, { do: "start" }>): void {
  try {
    const family = familyOf(to);
    const key = `${family} ${namespace}`;
    const known = sources.get(key);
    const source = known ?? { key, socket: new EchoSocket(namespace, family), probes: new Map() };
    sources.set(key, source);
    const probe: Probe = {
      ...{ id, source, everyMs, address: socketAddress(to, 0) },
      // On a whole millisecond, as all are: a wake for each would cost more than its packet.
      ...{ dueMs: Math.ceil(performance.now()), sent: 0, answered: 0, lateMs: 0 },
      sentAtMs: new Float64Array(remembered),
    };
    source.probes.set(id & 0xffff, probe);
    probes.set(id, probe);
  } catch (error) {
    ends.push({ id, failed: (error as Error).message });
  }
}

function stop(id: number): void {
  const probe = probes.get(id);
  if (probe === undefined) return; // It could not start.
  const { source } = probe;
  hear(source);
  probes.delete(id);
  source.probes.delete(id & 0xffff);
  if (source.probes.size === 0) {
    sources.delete(source.key);
    source.socket.close();
  }
  ends.push({ id, lateMs: probe.lateMs });
}

/** `aheadMs`: by how much Unix time is ahead of this thread's own, in which packets are due. */
function send(probe: Probe, aheadMs: number): void {
  const atUnixMs = unixMs();
  const lateMs = atUnixMs - aheadMs - probe.dueMs;
  probe.lateMs = Math.max(probe.lateMs, lateMs);
  // What is late by whole intervals is left out: a burst would measure nothing.
  probe.dueMs += probe.everyMs * (1 + Math.floor(lateMs / probe.everyMs));
  if (probe.answered < probe.sent) {
    rows.none(probe.id, probe.sent, atUnixMs);
  }
  const { socket } = probe.source;
  if (socket.send(probe.address, probe.id & 0xffff, probe.sent + 1) !== undefined) {
    rows.refused(probe.id, atUnixMs);
    return;
  }
  probe.sent++;
  probe.sentAtMs[probe.sent % remembered] = atUnixMs;
}

function hear(source: Source): void {
  source.socket.replies(batch, ({ identifier, number }, atUnixMs) => {
    const probe = source.probes.get(identifier);
    if (probe === undefined) return;
    if (number < 1 || number > probe.sent || number <= probe.sent - remembered) return;
    const sentMs = probe.sentAtMs[number % remembered]!;
    // Negative once it was answered.
    probe.sentAtMs[number % remembered] = -Math.abs(sentMs);
    probe.answered = Math.max(probe.answered, number);
    const rttMs = atUnixMs - Math.abs(sentMs);
    rows.reply(probe.id, number, atUnixMs, rttMs, sentMs < 0);
  });
}

function report(): void {
  reportDueMs = performance.now() + reportEveryMs;
  const echoes = rows.take();
  if (echoes.length === 0 && ends.length === 0) return;
  port.postMessage({ echoes, ends } satisfies EchoReports, [echoes.buffer]);
  ends = [];
}
