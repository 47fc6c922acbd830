import { WireError } from "../wire/error.ts";
import type { Capability, Role } from "../wire/message.ts";
import { CapabilityCode, NotificationCode, OpenSubcode } from "../wire/registry.ts";
import type { SessionPeer } from "./io.ts";

/** What the neighbour of one that is this must be (RFC 9234 §4.2). */
const counterpart: Readonly<Record<Role, Role>> = {
  provider: "customer",
  customer: "provider",
  rs: "rs-client",
  "rs-client": "rs",
  peer: "peer",
};

/**
 * Throws where the peer is not what it must be to us (RFC 9234 §4.2): one that says nothing is taken
 * for its counterpart, unless roles are strict. For external peers only.
 */
export function checkRole(own: SessionPeer["role"], theirs: readonly Capability[]): void {
  if (own === undefined) return;
  const said = theirs.filter(
    (one) =>
      one.capability === "role" ||
      (one.capability === "unknown" && one.code === CapabilityCode.role),
  );
  const names = [...new Set(said.map((one) => (one.capability === "role" ? one.role : "unknown")))];
  if (names.length === 0 && own.strict !== true) return;
  const [name] = names;
  if (names.length === 1 && name === counterpart[own.name]) return;
  const heard = names.length === 0 ? "none" : names.join(" and ");
  throw new WireError({
    code: NotificationCode.openMessage,
    subcode: OpenSubcode.roleMismatch,
    message: `role mismatch: we are ${own.name}, the peer must be ${counterpart[own.name]} and says ${heard}`,
    rfc: "RFC 9234 §4.2",
  });
}
