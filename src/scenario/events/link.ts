import { linksOf } from "../schema/check-scenario.ts";
import type { LabContext } from "../context.ts";
import type { EventHandler } from "../event.ts";
import { durationText } from "../bounds.ts";
import { nodeNamed } from "../resolve.ts";
import type { EventOf, LinkEnd, LinkReference } from "../schema/types.ts";
import type { Impairment } from "../../runtime/port.ts";
import type { FabricLink } from "../../topology/fabric.ts";

/** Pulls or plugs cables, or makes them bad. */
export const link: EventHandler<"link"> = {
  text(event) {
    const which = `link ${linkText(event.link)}`;
    if (event.set !== "impair") return `${which} ${event.set}`;
    const from = event.from === undefined ? "" : ` from ${event.from}`;
    return `${which}${from} ${event.impair ? impairmentText(event.impair) : "as new"}`;
  },

  async run(context, event) {
    if (event.set === "impair") {
      await impair(context, event, event.impair);
      return () => impair(context, event, undefined);
    }
    await setLinks(context, event.link, event.set);
    const back = event.set === "up" ? "down" : "up";
    return () => setLinks(context, event.link, back);
  },
};

/** Several links at one instant. */
async function setLinks(
  context: LabContext,
  reference: LinkReference,
  state: "up" | "down",
): Promise<void> {
  const links = namedLinks(context, reference);
  await Promise.all(links.map(({ endpoints: [a, b] }) => context.runtime.setLink(a, b, state)));
}

async function impair(
  context: LabContext,
  event: Pick<EventOf<"link"> & { set: "impair" }, "link" | "from">,
  impairment: Impairment | undefined,
): Promise<void> {
  const from = event.from === undefined ? undefined : nodeNamed(context, event.from).name;
  const directions = namedLinks(context, event.link)
    .flatMap(({ endpoints: [a, b] }) => [
      { from: a, to: b },
      { from: b, to: a },
    ])
    .filter((each) => from === undefined || each.from.node === from);
  await Promise.all(
    directions.map((each) => context.runtime.impairLink(each.from, each.to, impairment)),
  );
}

function namedLinks({ fabric }: LabContext, reference: LinkReference): FabricLink[] {
  const links = linksOf(fabric, reference);
  if (links.length === 0) throw new Error(`the fabric has no link ${linkText(reference)}`);
  return links;
}

/** `delay 10 ms, loss 5%`. */
function impairmentText(impairment: Impairment): string {
  const { delayMs, jitterMs, lossPercent, corruptPercent, rateBitsPerSecond } = impairment;
  return [
    ...(delayMs === undefined ? [] : [`delay ${durationText(delayMs)}`]),
    ...(jitterMs === undefined ? [] : [`jitter ${durationText(jitterMs)}`]),
    ...(lossPercent === undefined ? [] : [`loss ${lossPercent}%`]),
    ...(corruptPercent === undefined ? [] : [`corrupt ${corruptPercent}%`]),
    ...(rateBitsPerSecond === undefined ? [] : [`rate ${rateBitsPerSecond / 1e6} Mbit/s`]),
  ].join(", ");
}

function linkText(reference: LinkReference): string {
  if ("on" in reference) return `${reference.on.node}:${reference.on.interface}`;
  return reference.between.map(endText).join(" – ");
}

function endText({ node, interface: name }: LinkEnd): string {
  return name === undefined ? node : `${node}:${name}`;
}
