import { closeSync } from "node:fs";
import { parentPort, receiveMessageOnPort, workerData } from "node:worker_threads";
import { drain, Epoll } from "./epoll.ts";
import { type RelayCommand, relayMark, type RelayReport, type Treatment } from "./frame-relay.ts";
import { openFrameSender, openTap, readFrame, sendFrame } from "./packet.ts";

/** A thread that does nothing but hold frames until they are due. It waits in the kernel. */
type Relay = { tap: number; sender: number; treatment: Treatment };
type Held = { dueMs: number; order: number; relay: Relay; frame: Buffer };

/** As netem's own: a queue that is full drops what comes. */
const heldMax = 50_000;
const frameBytesMax = 65_600;
const ethernetBytes = 14;
/** Node cannot end a thread that waits in the kernel: where the process ends, this is how long it takes. */
const waitMsMax = 100;

const { wake } = workerData as { wake: number };
const port = parentPort!;
const epoll = new Epoll();
const relays = new Map<number, Relay>();
const byTap = new Map<number, Relay>();
const buffer = Buffer.alloc(frameBytesMax);
/** A binary heap, the frame due first at its top. */
const held: Held[] = [];
let order = 0;
epoll.add(wake);

for (;;) {
  const waitMs = Math.min((held[0]?.dueMs ?? Infinity) - performance.now(), waitMsMax);
  for (const fd of epoll.wait(waitMs)) {
    const relay = byTap.get(fd);
    if (relay !== undefined) take(relay);
  }
  obey();
  while (held[0] !== undefined && held[0].dueMs <= performance.now()) {
    const { relay, frame } = pop();
    if (byTap.get(relay.tap) === relay) sendFrame(relay.sender, frame);
  }
}

function take(relay: Relay): void {
  const { tap, treatment } = relay;
  const { delayMs, jitterMs, corruptPercent } = treatment;
  for (let length = readFrame(tap, buffer); length !== undefined; length = readFrame(tap, buffer)) {
    if (held.length >= heldMax) continue;
    const frame = Buffer.from(buffer.subarray(0, length));
    if (Math.random() * 100 < corruptPercent) damage(frame);
    const jitter = (2 * Math.random() - 1) * jitterMs;
    const dueMs = performance.now() + Math.max(0, delayMs + jitter);
    push({ dueMs, order: order++, relay, frame });
  }
}

/** One bit, behind the Ethernet header: the frame arrives, what is in it is wrong. */
function damage(frame: Buffer): void {
  const bit = Math.floor(Math.random() * 8 * (frame.length - ethernetBytes));
  const at = ethernetBytes + (bit >> 3);
  frame[at] = frame[at]! ^ (1 << (bit & 7));
}

function obey(): void {
  drain(wake);
  for (;;) {
    const received = receiveMessageOnPort(port);
    if (received === undefined) return;
    const command = received.message as RelayCommand;
    if (command.do === "start") start(command);
    else if (command.do === "stop") stop(command.id);
    else {
      for (const id of relays.keys()) stop(id);
      epoll.close();
      process.exit();
    }
  }
}

function start({
  id,
  namespace,
  device,
  tap: name,
  treatment,
}: RelayCommand & { do: "start" }): void {
  try {
    const tap = openTap(namespace, name);
    let sender: number;
    try {
      sender = openFrameSender(namespace, device, relayMark);
    } catch (error) {
      closeSync(tap);
      throw error;
    }
    const relay = { tap, sender, treatment };
    relays.set(id, relay);
    byTap.set(tap, relay);
    epoll.add(tap);
    tell({ id, is: "started" });
  } catch (error) {
    tell({ id, is: "started", error: (error as Error).message });
  }
}

function stop(id: number): void {
  const relay = relays.get(id);
  if (relay !== undefined) {
    relays.delete(id);
    byTap.delete(relay.tap);
    closeSync(relay.tap);
    closeSync(relay.sender);
  }
  tell({ id, is: "stopped" });
}

function tell(report: RelayReport): void {
  // oxlint-disable-next-line require-post-message-target-origin -- it is a thread, not a window
  port.postMessage(report);
}

function isBefore(a: Held, b: Held): boolean {
  return a.dueMs === b.dueMs ? a.order < b.order : a.dueMs < b.dueMs;
}

function push(item: Held): void {
  let at = held.push(item) - 1;
  while (at > 0) {
    const parent = (at - 1) >> 1;
    if (!isBefore(item, held[parent]!)) break;
    held[at] = held[parent]!;
    at = parent;
  }
  held[at] = item;
}

function pop(): Held {
  const top = held[0]!;
  const last = held.pop()!;
  let at = 0;
  while (2 * at + 1 < held.length) {
    const [left, right] = [2 * at + 1, 2 * at + 2];
    const child = right < held.length && isBefore(held[right]!, held[left]!) ? right : left;
    if (!isBefore(held[child]!, last)) break;
    held[at] = held[child]!;
    at = child;
  }
  if (held.length > 0) held[at] = last;
  return top;
}
