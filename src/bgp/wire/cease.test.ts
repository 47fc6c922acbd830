import * as fc from "fast-check";
import { expect, it } from "vitest";
import {
  encodeShutdownCommunication,
  hardReset,
  hardResetReason,
  shutdownCommunication,
} from "./cease.ts";
import { bytes } from "./hex.testkit.ts";
import type { NotificationMessage } from "./message.ts";
import { notificationName } from "./registry.ts";

function shutdown(data: Uint8Array): NotificationMessage {
  return { type: "NOTIFICATION", code: 6, subcode: 2, data };
}

it("a shutdown communication is a length and UTF-8 (RFC 9003)", () => {
  expect(encodeShutdownCommunication("bye")).toEqual(bytes("03 627965"));
  expect(shutdownCommunication(shutdown(bytes("03 627965")))).toBe("bye");
  expect(shutdownCommunication(shutdown(bytes("")))).toBeUndefined();
  expect(shutdownCommunication(shutdown(bytes("05 6279")))).toBeUndefined();
  expect(shutdownCommunication({ ...shutdown(bytes("03 627965")), subcode: 6 })).toBeUndefined();
});

it("its control characters cannot forge log lines", () => {
  expect(shutdownCommunication(shutdown(encodeShutdownCommunication("a\nb\u001b[31m")))).toBe(
    "a b [31m",
  );
});

it("what is too long is cut at a whole character", () => {
  fc.assert(
    fc.property(fc.string({ unit: "grapheme", minLength: 100, maxLength: 400 }), (text) => {
      const data = encodeShutdownCommunication(text);
      expect(data.length).toBeLessThanOrEqual(256);
      const said = new TextDecoder().decode(data.subarray(1));
      expect(text.startsWith(said)).toBe(true);
    }),
  );
});

it("a Hard Reset wraps its reason (RFC 8538 §3)", () => {
  const wrapped = hardReset(shutdown(bytes("00")));
  expect(wrapped).toEqual({ type: "NOTIFICATION", code: 6, subcode: 9, data: bytes("06 02 00") });
  expect(hardResetReason(wrapped)).toEqual(shutdown(bytes("00")));
  expect(hardResetReason(shutdown(bytes("00")))).toBeUndefined();
});

it("NOTIFICATIONs have names", () => {
  expect(notificationName(6, 2)).toBe("Cease/Administrative Shutdown");
  expect(notificationName(4, 0)).toBe("Hold Timer Expired");
  expect(notificationName(2, 12)).toBe("OPEN Message Error/subcode 12");
  expect(notificationName(99, 3)).toBe("code 99/subcode 3");
});
