import { linksOf } from "../schema/check-scenario.ts";
import type { LabContext } from "../context.ts";
import type { EventHandler } from "../event.ts";
import type { LinkEnd, LinkReference } from "../schema/types.ts";

/** Pulls or plugs cables. */
export const link: EventHandler<"link"> = {
  text: (event) => `link ${linkText(event.link)} ${event.set}`,

  async run(context, event) {
    await setLinks(context, event.link, event.set);
    const back = event.set === "up" ? "down" : "up";
    return () => setLinks(context, event.link, back);
  },
};

/** Several links at one instant. */
async function setLinks(
  { fabric, runtime }: LabContext,
  reference: LinkReference,
  state: "up" | "down",
): Promise<void> {
  const links = linksOf(fabric, reference);
  if (links.length === 0) throw new Error(`the fabric has no link ${linkText(reference)}`);
  await Promise.all(links.map(({ endpoints: [a, b] }) => runtime.setLink(a, b, state)));
}

function linkText(reference: LinkReference): string {
  if ("on" in reference) return `${reference.on.node}:${reference.on.interface}`;
  return reference.between.map(endText).join(" – ");
}

function endText({ node, interface: name }: LinkEnd): string {
  return name === undefined ? node : `${node}:${name}`;
}
