import { deserialize, serialize } from "node:v8";
import type { SpeakerConfig } from "../bgp/speaker/config.ts";

const lengthBytes = 4;

/**
 * A configuration from one process to another: its length, then it. Whoever reads it knows when it is whole, and
 * waits for no end.
 */
export function configMessage(config: SpeakerConfig): Uint8Array {
  const body = serialize(config);
  const message = Buffer.allocUnsafe(lengthBytes + body.length);
  message.writeUInt32BE(body.length);
  body.copy(message, lengthBytes);
  return message;
}

/** Of what came so far; undefined where that is not all. */
export function readConfigMessage(came: readonly Uint8Array[]): SpeakerConfig | undefined {
  const bytes = Buffer.concat(came);
  if (bytes.length < lengthBytes) return undefined;
  const end = lengthBytes + bytes.readUInt32BE();
  if (bytes.length < end) return undefined;
  return deserialize(bytes.subarray(lengthBytes, end)) as SpeakerConfig;
}
