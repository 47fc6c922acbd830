import type { TopologyPicture } from "../timeline/record.ts";
import type { PictureNode } from "./fabric-state.ts";

const rowOfRole = { spine: 0, leaf: 1, kubernetes: 2, host: 2 } as const;

/**
 * The rows a fabric is drawn in, from the top, none empty. In each row nodes stand by the mean place
 * of those above they are linked to (Sugiyama's barycentre), else as the topology gives them, so that
 * few links cross.
 */
export function pictureRows(picture: TopologyPicture): PictureNode[][] {
  const rows: PictureNode[][] = [[], [], []];
  for (const node of picture.nodes) rows[rowOfRole[node.role]]!.push(node);
  const filled = rows.filter((row) => row.length > 0);
  for (const [index, row] of filled.entries()) {
    const above = filled[index - 1];
    if (above === undefined) continue;
    const places = new Map(above.map((node, place) => [node.name, place]));
    const wanted = new Map(row.map((node) => [node, meanPlace(node, picture, places)]));
    row.sort((a, b) => (wanted.get(a) ?? Infinity) - (wanted.get(b) ?? Infinity) || 0);
  }
  return filled;
}

function meanPlace(
  node: PictureNode,
  picture: TopologyPicture,
  places: ReadonlyMap<string, number>,
): number | undefined {
  const found = picture.links.flatMap(({ a, b }) => {
    const far = a.node === node.name ? b.node : b.node === node.name ? a.node : undefined;
    const at = far === undefined ? undefined : places.get(far);
    return at === undefined ? [] : [at];
  });
  if (found.length === 0) return undefined;
  return found.reduce((sum, place) => sum + place, 0) / found.length;
}
