import { z } from "zod";
import { parseLargeCommunity, parseStandardCommunity } from "../communities.ts";
import { asn, cidr, ipAddress, peerAsn, port } from "../schema/fields.ts";
import { labelSelector } from "../schema/label-selector.ts";
import { metadata } from "../schema/metadata.ts";

/** MetalLB's resources (metallb.io), as its API reference has them. All are of the namespace MetalLB runs in. */
const namespaced = metadata.extend({ namespace: z.string().exactOptional() });
const selectors = z.array(labelSelector).exactOptional();
const names = z.array(z.string()).exactOptional();

const range = z.string().refine(
  (text) => {
    const [first, last, ...more] = text.split("-");
    if (last === undefined) return cidr.safeParse(text).success;
    return more.length === 0 && [first, last].every((end) => ipAddress.safeParse(end).success);
  },
  {
    error: "must be a prefix or a range of addresses: 10.0.0.0/24, 10.0.0.10-10.0.0.20",
    params: { code: "InvalidFormat" },
  },
);

/** metav1.Duration in whole seconds, as Go writes it: `90s`, `1m30s`. */
const duration = z.string().refine((text) => secondsOf(text) !== undefined, {
  error: "must be a duration of whole seconds: 90s, 1m30s",
  params: { code: "InvalidFormat" },
});

/** Undefined: not a duration. */
export function secondsOf(text: string): number | undefined {
  const parts = /^(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?$/.exec(text);
  if (parts === null || text === "") return undefined;
  const [hours, minutes, seconds] = parts.slice(1).map((part) => Number(part ?? 0));
  return hours! * 3600 + minutes! * 60 + seconds!;
}

const ipAddressPool = z.strictObject({
  apiVersion: z.literal("metallb.io/v1beta1"),
  kind: z.literal("IPAddressPool"),
  metadata: namespaced,
  spec: z.strictObject({
    addresses: z.array(range).min(1),
    autoAssign: z.boolean().default(true),
    avoidBuggyIPs: z.boolean().default(false),
    serviceAllocation: z
      .strictObject({
        priority: z.int().exactOptional(),
        namespaces: names,
        namespaceSelectors: selectors,
        serviceSelectors: selectors,
      })
      .exactOptional(),
  }),
});

const bgpPeer = z.strictObject({
  apiVersion: z.literal("metallb.io/v1beta2"),
  kind: z.literal("BGPPeer"),
  metadata: namespaced,
  spec: z
    .strictObject({
      myASN: asn,
      peerASN: peerAsn.exactOptional(),
      dynamicASN: z.enum(["internal", "external"]).exactOptional(),
      peerAddress: ipAddress.exactOptional(),
      interface: z.string().exactOptional(),
      sourceAddress: ipAddress.exactOptional(),
      peerPort: port.exactOptional(),
      holdTime: duration.exactOptional(),
      keepaliveTime: duration.exactOptional(),
      connectTime: duration.exactOptional(),
      routerID: z.string().exactOptional(),
      nodeSelectors: selectors,
      password: z.string().exactOptional(),
      passwordSecret: z
        .strictObject({ name: z.string().exactOptional(), namespace: z.string().exactOptional() })
        .exactOptional(),
      bfdProfile: z.string().exactOptional(),
      enableGracefulRestart: z.boolean().exactOptional(),
      ebgpMultiHop: z.boolean().exactOptional(),
      vrf: z.string().exactOptional(),
      disableMP: z.boolean().exactOptional(),
      dualStackAddressFamily: z.boolean().exactOptional(),
    })
    .refine((self) => (self.peerASN === undefined) !== (self.dynamicASN === undefined), {
      error: "one of peerASN and dynamicASN is required, and not both",
    })
    .refine((self) => (self.peerAddress === undefined) !== (self.interface === undefined), {
      error: "one of peerAddress and interface is required, and not both",
    }),
});

const bgpAdvertisement = z.strictObject({
  apiVersion: z.literal("metallb.io/v1beta1"),
  kind: z.literal("BGPAdvertisement"),
  metadata: namespaced,
  spec: z
    .strictObject({
      aggregationLength: z.int().min(1).max(32).default(32),
      aggregationLengthV6: z.int().min(0).max(128).default(128),
      localPref: z.int().min(0).exactOptional(),
      communities: names,
      ipAddressPools: names,
      ipAddressPoolSelectors: selectors,
      serviceSelectors: selectors,
      nodeSelectors: selectors,
      peers: names,
    })
    .prefault({}),
});

/** A standard community, or `large:` and a large one. */
const communityValue = z
  .string()
  .refine(
    (text) =>
      text.startsWith("large:")
        ? parseLargeCommunity(text.slice("large:".length)) !== undefined
        : parseStandardCommunity(text) !== undefined,
    { error: "must be a community: 65010:100, large:64512:1:2", params: { code: "InvalidFormat" } },
  );

const community = z.strictObject({
  apiVersion: z.literal("metallb.io/v1beta1"),
  kind: z.literal("Community"),
  metadata: namespaced,
  spec: z.strictObject({
    communities: z.array(z.strictObject({ name: z.string(), value: communityValue })),
  }),
});

const l2Advertisement = z.looseObject({ metadata: namespaced });
const bfdProfile = z.looseObject({ metadata: namespaced });

export type IPAddressPool = z.output<typeof ipAddressPool>;
export type BGPPeer = z.output<typeof bgpPeer>;
export type BGPAdvertisement = z.output<typeof bgpAdvertisement>;
export type Community = z.output<typeof community>;
export type L2Advertisement = z.output<typeof l2Advertisement>;

const of = (kind: string, version: string, schema: z.ZodType) => ({
  group: "metallb.io",
  kind,
  versions: [{ name: version, served: true, schema }],
});

export const metallbResources = [
  of("IPAddressPool", "v1beta1", ipAddressPool),
  of("BGPPeer", "v1beta2", bgpPeer),
  of("BGPAdvertisement", "v1beta1", bgpAdvertisement),
  of("Community", "v1beta1", community),
  of("L2Advertisement", "v1beta1", l2Advertisement),
  of("BFDProfile", "v1beta1", bfdProfile),
];
