import { readdirSync, readFileSync } from "node:fs";

const folder = new URL("../data/bgp/", import.meta.url);

/** What a daemon sent, as `make record-bgp` has recorded it. */
export type Recording = {
  daemon: string;
  /** Of its Debian package. */
  version: string;
  sessions: {
    name: string;
    /** The recorder's end. */
    peer: { address: string; asn: number };
    messages: { when: string; hex: string }[];
  }[];
};

export function recordings(): Recording[] {
  return readdirSync(folder)
    .sort()
    .map((name) => JSON.parse(readFileSync(new URL(name, folder), "utf8")) as Recording);
}

/** Every message that was recorded, each once. */
export function recordedMessages(): Uint8Array[] {
  const hex = recordings().flatMap(({ sessions }) =>
    sessions.flatMap(({ messages }) => messages.map((message) => message.hex)),
  );
  return [...new Set(hex)].map((text) => Uint8Array.from(Buffer.from(text, "hex")));
}
