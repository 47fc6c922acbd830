import { type Address, type Family, parseAddress } from "../../net/address.ts";
import type { Service } from "../service/service.ts";

export type LbIpamOptions = {
  families: readonly Family[];
  /** Load-balancer classes that are ours. */
  classes: readonly string[];
  /** `default-lb-service-ipam: lbipam`: Services without a class are ours too. */
  withoutClass: boolean;
};

/** What a Service asks of LB-IPAM. */
export type IpRequest = {
  namespace: string;
  labels: Readonly<Record<string, string>>;
  /** In their order; where there are any, nothing else is allocated. */
  addresses: readonly Address[];
  /** One address of each, where no addresses are requested. */
  families: readonly Family[];
  sharing?: Sharing;
};

export type Sharing = {
  key: string;
  /** Namespaces whose Services may share with it besides its own; `*`: all. */
  namespaces: ReadonlySet<string>;
  /** `80/TCP` */
  ports: ReadonlySet<string>;
  externalTrafficPolicy: string;
  selector: Readonly<Record<string, string>>;
};

const annotationNames = {
  ips: ["lbipam.cilium.io/ips", "io.cilium/lb-ipam-ips"],
  sharingKey: ["lbipam.cilium.io/sharing-key", "io.cilium/lb-ipam-sharing-key"],
  sharingCrossNamespace: [
    "lbipam.cilium.io/sharing-cross-namespace",
    "io.cilium/lb-ipam-sharing-cross-namespace",
  ],
} as const;

/** Whether LB-IPAM is responsible for the Service. */
export function isResponsible({ spec }: Service, options: LbIpamOptions): boolean {
  if (spec?.type !== "LoadBalancer") return false;
  const { loadBalancerClass } = spec;
  if (loadBalancerClass === undefined) return options.withoutClass;
  return options.classes.includes(loadBalancerClass);
}

export function requestOf({ metadata, spec = {} }: Service, options: LbIpamOptions): IpRequest {
  const { annotations } = metadata;
  const key = annotation(annotations, "sharingKey");
  const wanted = [spec.loadBalancerIP ?? "", ...list(annotation(annotations, "ips"))];
  const addresses = wanted.flatMap((text) => parseAddress(text.trim()) ?? []);
  const namespace = metadata.namespace ?? "default";
  return {
    namespace,
    // As BGP's selectors have them too.
    labels: {
      ...metadata.labels,
      "io.kubernetes.service.name": metadata.name,
      "io.kubernetes.service.namespace": namespace,
    },
    addresses: [...new Set(addresses)],
    families: familiesOf(spec, options.families),
    ...(key !== undefined &&
      key !== "" && {
        sharing: {
          key,
          namespaces: new Set(list(annotation(annotations, "sharingCrossNamespace"))),
          ports: new Set(
            (spec.ports ?? []).map(({ port, protocol = "TCP" }) => `${port}/${protocol}`),
          ),
          externalTrafficPolicy: spec.externalTrafficPolicy ?? "Cluster",
          selector: spec.selector ?? {},
        },
      }),
  };
}

/** The first spelling that is there. */
function annotation(
  annotations: Readonly<Record<string, string>> = {},
  name: keyof typeof annotationNames,
): string | undefined {
  const found = annotationNames[name].find((each) => annotations[each] !== undefined);
  return found === undefined ? undefined : annotations[found];
}

function list(text: string | undefined): string[] {
  return (text ?? "")
    .split(",")
    .map((part) => part.trim())
    .filter((part) => part !== "");
}

function familiesOf(spec: NonNullable<Service["spec"]>, enabled: readonly Family[]): Family[] {
  const listed = (spec.ipFamilies ?? []).flatMap((name): Family[] =>
    name === "IPv4" ? ["ipv4"] : name === "IPv6" ? ["ipv6"] : [],
  );
  switch (spec.ipFamilyPolicy) {
    case "PreferDualStack":
      return listed.filter((family) => enabled.includes(family));
    case "RequireDualStack":
      return [...enabled];
    default: {
      const first = listed[0] ?? (enabled.includes("ipv4") ? "ipv4" : "ipv6");
      return enabled.includes(first) ? [first] : [];
    }
  }
}

/** Why two Services cannot have one address, in Cilium's words, or undefined where they can. */
export function incompatibility(a: IpRequest, b: IpRequest): string | undefined {
  // Without a key there is none to share by.
  if (a.sharing === undefined || b.sharing === undefined || a.sharing.key !== b.sharing.key) {
    return "different sharing key";
  }
  if (a.namespace !== b.namespace && !(permits(a, b) && permits(b, a))) {
    return "different and not permitted namespace";
  }
  for (const port of a.sharing.ports) {
    if (b.sharing.ports.has(port)) return "same port and protocol";
  }
  const { externalTrafficPolicy, selector } = a.sharing;
  if (externalTrafficPolicy !== b.sharing.externalTrafficPolicy) {
    return "different ExternalTrafficPolicy";
  }
  if (externalTrafficPolicy === "Local" && !sameSelector(selector, b.sharing.selector)) {
    return "compatible ExternalTrafficPolicy local but selecting different set of pods";
  }
  return undefined;
}

function permits({ sharing }: IpRequest, { namespace }: IpRequest): boolean {
  return sharing!.namespaces.has("*") || sharing!.namespaces.has(namespace);
}

/** Equal, and of something: without a selector nobody knows what the endpoints are. */
function sameSelector(
  a: Readonly<Record<string, string>>,
  b: Readonly<Record<string, string>>,
): boolean {
  const keys = Object.keys(a);
  return (
    keys.length > 0 &&
    keys.length === Object.keys(b).length &&
    keys.every((key) => a[key] === b[key])
  );
}
