import type { Address, Family } from "./address.ts";

/** The links and default routes of one network namespace, as the kernel has them at one time. */
export type NetworkState = {
  interfaces: readonly NetworkInterface[];
  /** Of the main table, in the kernel's order. */
  defaultRoutes: readonly DefaultRoute[];
};

export type NetworkInterface = {
  index: number;
  name: string;
  /** Administratively up. */
  isUp: boolean;
  /** At once, where `operState` may follow later. */
  hasCarrier: boolean;
  operState: OperState;
  /** `02:42:0a:01:03:01`; absent where the link has none. */
  mac?: string;
  addresses: readonly InterfaceAddress[];
};

/** RFC 2863 §3.1.14, as Linux numbers the states. */
export const operStates = [
  "unknown",
  "notpresent",
  "down",
  "lowerlayerdown",
  "testing",
  "dormant",
  "up",
] as const;
export type OperState = (typeof operStates)[number];

export type InterfaceAddress = {
  address: Address;
  prefixLength: number;
  /** IPv6: not checked for duplicates yet, or found to be one. Nothing may use it. */
  isTentative: boolean;
};

export type DefaultRoute = {
  family: Family;
  /** Lower is better. */
  metric: number;
  /** One for an ordinary route, several for a multipath route. Without a gateway: on link. */
  nextHops: readonly { gateway?: Address; interfaceIndex: number }[];
};
