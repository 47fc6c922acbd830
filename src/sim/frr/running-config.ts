import type { BfdConfig } from "../../bgp/speaker/config.ts";
import { jsonEqual } from "../../cilium/json-equal.ts";
import type { BgpConfig, FrrConfig, FrrFamily, Neighbor, NeighborFamily } from "./config.ts";
import { bfdProfileLines } from "./interpret-bfd.ts";
import { bfdDefaults } from "./interpret-neighbor.ts";

/** As `show running-config` prints it: what can be given to a router again. */
export function runningConfig(config: FrrConfig): string {
  const { bgp } = config;
  return [
    `frr defaults ${config.profile}`,
    ...(config.hostname === undefined ? [] : [`hostname ${config.hostname}`]),
    "!",
    ...(bgp === undefined ? [] : bgpLines(bgp)),
    ...bfdProfileLines(config),
    ...[...config.prefixLists].flatMap(([name, entries]) =>
      entries.map((entry) => {
        const ip = entry.prefix.includes(":") ? "ipv6" : "ip";
        const ge = entry.minLength === undefined ? "" : ` ge ${entry.minLength}`;
        const le = entry.maxLength === undefined ? "" : ` le ${entry.maxLength}`;
        const what = `${entry.permit} ${entry.prefix}${ge}${le}`;
        return `${ip} prefix-list ${name} seq ${entry.sequence} ${what}`;
      }),
    ),
    ...[...config.routeMaps].flatMap(([name, entries]) =>
      entries.flatMap((entry) => [
        `route-map ${name} ${entry.permit} ${entry.sequence}`,
        ...entry.matches.map((words) => ` match ${words.join(" ")}`),
        ...entry.sets.map((words) => ` set ${words.join(" ")}`),
        "exit",
        "!",
      ]),
    ),
    "end",
    "",
  ].join("\n");
}

function bgpLines(bgp: BgpConfig): string[] {
  const all = [...bgp.peerGroups, ...bgp.neighbors];
  return [
    `router bgp ${bgp.asn}`,
    ...(bgp.routerId === undefined ? [] : [` bgp router-id ${bgp.routerId}`]),
    ...(bgp.ebgpRequiresPolicy === undefined
      ? []
      : [` ${bgp.ebgpRequiresPolicy ? "" : "no "}bgp ebgp-requires-policy`]),
    ...(bgp.multipathRelax ? [" bgp bestpath as-path multipath-relax"] : []),
    ...[...bgp.peerGroups.keys()].map((name) => ` neighbor ${name} peer-group`),
    ...all.flatMap(([id, of]) => neighborLines(id, of)),
    ...bgp.listenRanges.map(
      ({ prefix, group }) => ` bgp listen range ${prefix} peer-group ${group}`,
    ),
    " !",
    ...(["ipv4", "ipv6"] as const).flatMap((family) => [
      ` address-family ${family} unicast`,
      ...familyLines(bgp, family, all),
      " exit-address-family",
      " !",
    ]),
    "exit",
    "!",
  ];
}

function neighborLines(id: string, of: Neighbor): string[] {
  const line = (text: string) => ` neighbor ${id} ${text}`;
  const group = of.group === undefined ? "" : ` peer-group ${of.group}`;
  return [
    ...(of.isInterface ? [line(`interface${group}`)] : group === "" ? [] : [line(group.trim())]),
    ...(of.remoteAs === undefined ? [] : [line(`remote-as ${of.remoteAs}`)]),
    ...(of.updateSource === undefined ? [] : [line(`update-source ${of.updateSource}`)]),
    ...(of.bfd === undefined ? [] : [line(bfdText(of.bfd))]),
    ...(of.bfdProfile === undefined ? [] : [line(`bfd profile ${of.bfdProfile}`)]),
    ...(of.extendedNextHop === true ? [line("capability extended-nexthop")] : []),
  ];
}

function familyLines(
  bgp: BgpConfig,
  family: FrrFamily,
  all: readonly (readonly [string, Neighbor])[],
): string[] {
  const { networks, aggregates, redistribute } = bgp.families[family];
  return [
    ...networks.map(({ prefix, routeMap }) => `  network ${prefix}${mapText(routeMap)}`),
    ...aggregates.map(
      ({ prefix, summaryOnly }) =>
        `  aggregate-address ${prefix}${summaryOnly ? " summary-only" : ""}`,
    ),
    ...redistribute.map(({ from, routeMap }) => `  redistribute ${from}${mapText(routeMap)}`),
    ...all.flatMap(([id, of]) =>
      settingLines(of.families[family]).map((text) => `  neighbor ${id} ${text}`),
    ),
    ...all
      .filter(([, of]) => of.families[family].activate === false)
      .map(([id]) => `  no neighbor ${id} activate`),
  ];
}

function mapText(routeMap: string | undefined): string {
  return routeMap === undefined ? "" : ` route-map ${routeMap}`;
}

function bfdText(of: BfdConfig): string {
  const { detectMultiplier, receiveIntervalMs, transmitIntervalMs } = of;
  if (jsonEqual(of, bfdDefaults)) return "bfd";
  return `bfd ${detectMultiplier} ${receiveIntervalMs} ${transmitIntervalMs}`;
}

function settingLines(of: NeighborFamily): string[] {
  const map = (name: string | undefined, what: string, way: string) =>
    name === undefined ? [] : [`${what} ${name} ${way}`];
  return [
    ...(of.activate === true ? ["activate"] : []),
    ...(of.defaultOriginate ? [`default-originate${mapText(of.defaultOriginate.routeMap)}`] : []),
    ...(of.nextHopSelf === undefined ? [] : ["next-hop-self"]),
    ...(of.nextHopSelfForce === undefined ? [] : ["next-hop-self force"]),
    ...Object.keys(of.removePrivateAs ?? {}).map((form) => `remove-private-AS ${form}`.trim()),
    ...(of.asOverride === undefined ? [] : ["as-override"]),
    ...(of.routeReflectorClient === true ? ["route-reflector-client"] : []),
    ...map(of.prefixListIn, "prefix-list", "in"),
    ...map(of.prefixListOut, "prefix-list", "out"),
    ...map(of.routeMapIn, "route-map", "in"),
    ...map(of.routeMapOut, "route-map", "out"),
  ];
}
