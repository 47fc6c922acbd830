import { writeFileSync } from "node:fs";
import { startupSnapshot } from "node:v8";
import { configMessage } from "./config-message.ts";
import { parseConfig, tellConfig } from "./tell-config.ts";

/**
 * The program that reads a speaker's file, which is its operand (speaker-file.ts). It runs from a startup snapshot
 * in which all of it is loaded (lab/agent-bundle.ts): what reads YAML takes as long to load as Node itself. And it has
 * read a file before, so that what it runs is compiled.
 */
const example = {
  localAsn: 65010,
  routerId: "10.0.2.2",
  listenPort: 179,
  originate: ["10.1.3.0/24"],
  peers: [
    {
      name: "tor0",
      address: "10.0.2.1",
      asn: 65000,
      passive: false,
      importPolicy: [{ name: "all", action: "accept" }],
      exportPolicy: [
        { name: "own", action: "accept", match: { communities: { any: ["65010:1"] } } },
      ],
    },
  ],
};
for (const indent of [0, 2]) configMessage(parseConfig(JSON.stringify(example, null, indent), ""));

const stdout = 1;
startupSnapshot.setDeserializeMainFunction(() => {
  // Not by process.stdout, which takes longer to make than the file to read.
  tellConfig(process.argv[1]!, (config) => writeFileSync(stdout, configMessage(config)));
});
