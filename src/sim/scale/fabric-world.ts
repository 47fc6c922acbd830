import type { Effect } from "../../bgp/speaker/effect.ts";
import type { Ends } from "../../bgp/session/io.ts";
import type { FrrTiming } from "../frr/timing.ts";
import { VirtualClock } from "../virtual-clock.ts";
import type { Host } from "./host.ts";
import { MessageCounts } from "./message-counts.ts";
import { Wire } from "./wire.ts";

/** One way over a cable and through two network stacks. */
const cableDelayMs = 0.12;
/** Until a host that nothing is heard of counts as unreachable: unanswered ARP requests. */
const unreachableMs = 3000;

/**
 * A leaf-spine fabric in virtual time, with as little as its size allows: speakers, and connections between
 * neighbours. There are no kernels in it: a router's routes are those its speaker uses.
 */
export class FabricWorld {
  readonly clock = new VirtualClock();
  readonly counts = new MessageCounts();
  readonly timing: FrrTiming;
  readonly random: () => number;
  /** One way over a cable and through two network stacks. */
  readonly cableDelayMs = cableDelayMs;
  /** Somebody wants to know when a router forwards otherwise than before. */
  onCarriedOut: ((router: Host) => void) | undefined;
  /** By the address that nodes know their ToR by. */
  readonly #gateways = new Map<string, Host>();

  constructor(random: () => number, timing: FrrTiming) {
    this.random = random;
    this.timing = timing;
  }

  addGateway(host: Host): void {
    this.#gateways.set(host.rackAddress!, host);
  }

  /** What a router's speaker has chosen, and told its peers, comes to its kernel. */
  carryOut(router: Host): void {
    this.clock.setTimer(this.timing.zebraMs, () => {
      router.changedAtMs = this.clock.nowMs;
      this.onCarriedOut?.(router);
    });
  }

  connectPorts(a: Host, onA: string, b: Host, onB: string): void {
    a.ports.set(onA, { interface: onA, to: b, toInterface: onB, isWhole: true });
    b.ports.set(onB, { interface: onB, to: a, toInterface: onA, isWhole: true });
  }

  connect(from: Host, effect: Extract<Effect, { do: "connect" }>): void {
    const { connection, remoteAddress, interface: link } = effect;
    const { clock } = this;
    const port = link === undefined ? undefined : from.ports.get(link);
    const to =
      link === undefined ? this.#gateways.get(remoteAddress) : port?.isWhole ? port.to : undefined;
    const { speaker } = from;
    const there = to?.speaker;
    if (to === undefined || there === undefined) {
      clock.setTimer(unreachableMs, () => {
        if (from.speaker === speaker) from.connectFailed(connection, "EHOSTUNREACH");
      });
      return;
    }
    clock.setTimer(2 * cableDelayMs, () => {
      if (from.speaker !== speaker || !from.isDialling(connection)) return;
      if (to.speaker !== there || port?.isWhole === false) {
        return from.connectFailed(connection, "EHOSTUNREACH");
      }
      const accepted = to.newConnection();
      const wire = new Wire(
        this,
        { host: from, connection, interface: link },
        { host: to, connection: accepted, interface: port?.toInterface },
      );
      from.adopt(connection, wire);
      to.adopt(accepted, wire);
      // Before anything that is sent to it.
      clock.setTimer(cableDelayMs, () =>
        to.accepted(accepted, endsOf(to, from, port?.toInterface)),
      );
      from.connected(connection, endsOf(from, to, link));
    });
  }
}

/** As a system tells them of a socket. */
function endsOf(at: Host, to: Host, link: string | undefined): Ends {
  if (link === undefined) {
    return {
      localAddress: at.rackAddress!,
      remoteAddress: to.rackAddress!,
      sharedSubnets: at.rackSubnets,
    };
  }
  const localAddress = at.linkLocal!;
  return {
    localAddress,
    remoteAddress: to.linkLocal!,
    interface: link,
    sharedLink: { address: localAddress, linkLocal: localAddress },
  };
}
