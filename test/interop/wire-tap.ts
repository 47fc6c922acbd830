import { readFileSync } from "node:fs";
import { addressFromBytes } from "../../src/net/address.ts";
import { type Daemon, type Sandbox } from "./sandbox.ts";
import { until } from "../system/spinelab.ts";

/** A BGP message as it was on the wire, header included. */
export type TappedMessage = { from: string; to: string; bytes: Uint8Array };

const captureFile = "/run/tap.pcap";

/**
 * Reads all BGP messages of both sides from the cable of a sandbox: tcpdump's packets, put in the order
 * of their TCP sequence numbers and cut at the length each message says. It knows no more of BGP than
 * that, so it shows what was really sent.
 */
export class WireTap {
  readonly #sandbox: Sandbox;
  readonly #tcpdump: Daemon;

  private constructor(sandbox: Sandbox, tcpdump: Daemon) {
    this.#sandbox = sandbox;
    this.#tcpdump = tcpdump;
  }

  static async start(sandbox: Sandbox): Promise<WireTap> {
    const flags = ["-Z", "root", "-U", "--immediate-mode", "-s", "0", "-B", "16384"];
    const tcpdump = await sandbox.spawn([
      "tcpdump",
      ...flags,
      "-i",
      "eth1",
      "-w",
      captureFile,
      "tcp",
      "port",
      "179",
    ]);
    await until("tcpdump listens", () => tcpdump.log.includes("listening on"));
    return new WireTap(sandbox, tcpdump);
  }

  /** In the order of their connections, and within one direction of a connection as sent. */
  messages(): TappedMessage[] {
    return messagesOf(readFileSync(this.#sandbox.path(captureFile)));
  }

  async stop(): Promise<void> {
    await this.#tcpdump.end("SIGTERM");
  }
}

/** The codes of the capabilities in an OPEN (RFC 5492), where its parameters fit in 255 octets. */
export function capabilitiesOf({ bytes }: TappedMessage): Set<number> {
  const codes = new Set<number>();
  const parameters = bytes.subarray(29, 29 + bytes[28]!);
  for (let at = 0; at < parameters.length; at += 2 + parameters[at + 1]!) {
    if (parameters[at] !== 2) continue;
    const capabilities = parameters.subarray(at + 2, at + 2 + parameters[at + 1]!);
    for (let each = 0; each < capabilities.length; each += 2 + capabilities[each + 1]!) {
      codes.add(capabilities[each]!);
    }
  }
  return codes;
}

type Segment = {
  from: string;
  to: string;
  flow: string;
  sequence: number;
  payload: Buffer;
  syn: boolean;
};

function messagesOf(capture: Buffer): TappedMessage[] {
  const connections: Segment[][] = [];
  const latest = new Map<string, Segment[]>();
  for (const segment of segmentsOf(capture)) {
    let connection = latest.get(segment.flow);
    // The handshake again is a new connection on the same ports, unless it was only sent twice.
    if (connection === undefined || (segment.syn && segment.sequence !== connection[0]?.sequence)) {
      connection = [];
      connections.push(connection);
      latest.set(segment.flow, connection);
    }
    connection.push(segment);
  }
  return connections.flatMap((segments) => {
    const { from, to } = segments[0]!;
    return cut(streamOf(segments)).map((bytes) => ({ from, to, bytes }));
  });
}

/** Every TCP segment of a capture file of Ethernet frames, in its order. */
function* segmentsOf(capture: Buffer): Generator<Segment> {
  const headerLength = 24;
  for (let at = headerLength; at + 16 <= capture.length;) {
    const length = capture.readUInt32LE(at + 8);
    const frame = capture.subarray(at + 16, at + 16 + length);
    if (frame.length < length) return;
    at += 16 + length;
    const segment = segmentOf(frame);
    if (segment !== undefined) yield segment;
  }
}

function segmentOf(frame: Buffer): Segment | undefined {
  const packet = frame.subarray(14);
  let from: string;
  let to: string;
  let tcp: Buffer;
  switch (frame.readUInt16BE(12)) {
    case 0x0800:
      from = packet.subarray(12, 16).join(".");
      to = packet.subarray(16, 20).join(".");
      tcp = packet.subarray((packet[0]! & 15) * 4, packet.readUInt16BE(2));
      break;
    case 0x86dd:
      from = addressFromBytes(packet.subarray(8, 24));
      to = addressFromBytes(packet.subarray(24, 40));
      tcp = packet.subarray(40, 40 + packet.readUInt16BE(4));
      break;
    default:
      return undefined;
  }
  return {
    from,
    to,
    flow: `${from} ${tcp.readUInt16BE(0)} ${to} ${tcp.readUInt16BE(2)}`,
    sequence: tcp.readUInt32BE(4),
    payload: tcp.subarray((tcp[12]! >> 4) * 4),
    syn: (tcp[13]! & 2) !== 0,
  };
}

/** The bytes of one direction from the first on, up to the first that is not there. */
function streamOf(segments: readonly Segment[]): Buffer {
  const syn = segments.find((segment) => segment.syn);
  if (syn === undefined) return Buffer.alloc(0);
  const start = syn.sequence + 1;
  const parts = segments
    .filter(({ payload }) => payload.length > 0)
    .map(({ sequence, payload }) => ({ offset: (sequence - start) >>> 0, payload }))
    .toSorted((a, b) => a.offset - b.offset);
  const stream: Buffer[] = [];
  let end = 0;
  for (const { offset, payload } of parts) {
    if (offset > end) break;
    const fresh = payload.subarray(end - offset);
    stream.push(fresh);
    end += fresh.length;
  }
  return Buffer.concat(stream);
}

/** RFC 4271 §4.1: a marker of 16 octets, then the length. */
function cut(stream: Buffer): Buffer[] {
  const messages: Buffer[] = [];
  for (let at = 0; at + 19 <= stream.length;) {
    const length = stream.readUInt16BE(at + 16);
    if (length < 19 || at + length > stream.length) break;
    messages.push(stream.subarray(at, at + length));
    at += length;
  }
  return messages;
}
