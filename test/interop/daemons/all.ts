import { bird } from "./bird.ts";
import type { BgpDaemon } from "./daemon.ts";
import { exabgp } from "./exabgp.ts";
import { frr } from "./frr.ts";
import { gobgp } from "./gobgp.ts";
import { openbgpd } from "./openbgpd.ts";

/** The columns of the matrix. */
export const daemons: readonly BgpDaemon[] = [frr, bird, gobgp, exabgp, openbgpd];
