import { ByteReader } from "../../bgp/wire/bytes.ts";
import { readUpdate } from "../../bgp/wire/decode-update.ts";
import type { NlriField } from "../../bgp/wire/nlri.ts";
import { headerBytes, MessageType } from "../../bgp/wire/registry.ts";

/** What has been sent since the beginning: whole messages, as they stand in the bytes, and the prefixes in them. */
export class MessageCounts {
  updates = 0;
  updateBytes = 0;
  announced = 0;
  withdrawn = 0;
  others = 0;
  /** Of what was counted last: many receivers are sent the same bytes. */
  #last: { bytes: Uint8Array; updates: number; announced: number; withdrawn: number } | undefined;

  count(bytes: Uint8Array): void {
    if (this.#last?.bytes !== bytes) this.#last = { bytes, ...countOf(bytes) };
    const { updates, announced, withdrawn } = this.#last;
    this.updates += updates;
    if (updates > 0) this.updateBytes += bytes.length;
    else this.others++;
    this.announced += announced;
    this.withdrawn += withdrawn;
  }
}

/** Speakers send UPDATEs together, and other messages one by one. */
function countOf(bytes: Uint8Array): { updates: number; announced: number; withdrawn: number } {
  const found = { updates: 0, announced: 0, withdrawn: 0 };
  for (let at = 0; at < bytes.length;) {
    const end = at + ((bytes[at + 16]! << 8) | bytes[at + 17]!);
    if (bytes[at + headerBytes - 1] === MessageType.update) {
      const { update } = readUpdate(new ByteReader(bytes, at + headerBytes, end), codec);
      found.updates++;
      for (const nlri of update.announced) found.announced += prefixesIn(nlri);
      for (const nlri of update.withdrawn) found.withdrawn += prefixesIn(nlri);
    }
    at = end;
  }
  return found;
}

/** As the speakers of a fabric agree on it. */
const codec = { fourOctetAs: true, extendedMessage: true };

function prefixesIn({ bytes, start, end }: NlriField): number {
  let prefixes = 0;
  for (let at = start; at < end; at += 1 + ((bytes[at]! + 7) >> 3)) prefixes++;
  return prefixes;
}
