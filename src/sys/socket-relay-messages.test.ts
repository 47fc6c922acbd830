import fc from "fast-check";
import { expect, test } from "vitest";
import { encodeRelayMessage, kinds, RelayMessages } from "./socket-relay-messages.ts";

const message = fc.record({
  connection: fc.nat({ max: 0xffff_ffff }),
  kind: fc.constantFrom(...kinds),
  payload: fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes)),
});

test("messages come out as they went in, however the stream is cut", () => {
  fc.assert(
    fc.property(fc.array(message), fc.integer({ min: 1, max: 400 }), (sent, pieceBytes) => {
      const stream = Buffer.concat(sent.map(encodeRelayMessage));
      const messages = new RelayMessages();
      const received = [];
      for (let at = 0; at < stream.length; at += pieceBytes) {
        received.push(...messages.push(stream.subarray(at, at + pieceBytes)));
      }
      expect(received).toEqual(sent);
    }),
  );
});
