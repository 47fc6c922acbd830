/**
 * What two ends of a relay say to each other, by which one command carries many connections to Unix
 * sockets: `open` (a path), answered by `opened`; `data` and `end` of either side; `closed`, with the
 * error's text where there was one.
 */
export const kinds = ["open", "opened", "data", "end", "closed"] as const;

export type RelayMessage = {
  /** Numbered by the side that opens. */
  connection: number;
  kind: (typeof kinds)[number];
  payload: Buffer;
};

/** Connection, kind, length of the payload. */
const headerBytes = 4 + 1 + 4;

export function encodeRelayMessage({ connection, kind, payload }: RelayMessage): Buffer {
  const header = Buffer.alloc(headerBytes);
  header.writeUInt32BE(connection, 0);
  header.writeUInt8(kinds.indexOf(kind), 4);
  header.writeUInt32BE(payload.length, 5);
  return Buffer.concat([header, payload]);
}

/** Puts a stream's pieces together again. */
export class RelayMessages {
  #rest: Buffer = Buffer.alloc(0);

  /** The messages that are whole with these bytes. */
  push(bytes: Buffer): RelayMessage[] {
    this.#rest = this.#rest.length === 0 ? bytes : Buffer.concat([this.#rest, bytes]);
    const messages: RelayMessage[] = [];
    while (this.#rest.length >= headerBytes) {
      const end = headerBytes + this.#rest.readUInt32BE(5);
      if (this.#rest.length < end) break;
      messages.push({
        connection: this.#rest.readUInt32BE(0),
        kind: kinds[this.#rest.readUInt8(4)]!,
        payload: this.#rest.subarray(headerBytes, end),
      });
      this.#rest = this.#rest.subarray(end);
    }
    return messages;
  }
}
