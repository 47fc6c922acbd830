import { defineConfig } from "vitest/config";
import { BaseSequencer, type TestSpecification } from "vitest/node";

/** The files that take minutes come first: the last one runs alone while the others wait for it. */
class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const long = ["/system/scenarios/", "/system/labs.test.ts"];
    const isLong = ({ moduleId }: TestSpecification) => long.some((one) => moduleId.includes(one));
    const sorted = await super.sort(files);
    return [...sorted.filter(isLong), ...sorted.filter((file) => !isLong(file))];
  }
}

// Five projects: `unit` is quick and needs nothing of the machine; `system` builds namespaces, runs
// real FRR and needs root, `interop` the other BGP speakers as well; `docker` needs an engine with the images of images/
// (make test-docker); `kind` needs kind and a node image as well (make test-kind).
export default defineConfig({
  test: {
    sequence: { sequencer: LongestFirst },
    projects: [
      {
        test: {
          name: "unit",
          globalSetup: "test/temporary-folder.ts",
          include: [
            "src/**/*.test.ts",
            "test/{architecture,bgp-captures,cilium,fidelity,fuzz,scenario}/**/*.test.ts",
          ],
          // They do nothing but compute: a worker for each core, and none left over for vitest itself.
          maxWorkers: "100%",
          // A limit against hanging, not a measure: property tests take seconds on a busy machine.
          testTimeout: 30_000,
        },
      },
      {
        test: {
          name: "system",
          globalSetup: "test/temporary-folder.ts",
          include: ["test/system/**/*.test.ts", "examples/**/*.test.ts"],
          testTimeout: 120_000,
          hookTimeout: 120_000,
          // Labs do not touch each other, and mostly wait for timers: two files at once, and in a file two of
          // the tests that say they are concurrent.
          maxWorkers: 2,
          maxConcurrency: 2,
        },
      },
      {
        test: {
          name: "interop",
          globalSetup: "test/temporary-folder.ts",
          include: ["test/interop/**/*.test.ts"],
          // A cell waits for those before it, of all five daemons.
          testTimeout: 600_000,
          hookTimeout: 120_000,
        },
      },
      {
        test: {
          name: "docker",
          include: ["test/docker/**/*.test.ts"],
          exclude: ["test/docker/kind*.test.ts"],
          // Its reaper is an image that no registry-less machine has; the engine's stop sweeps.
          env: { TESTCONTAINERS_RYUK_DISABLED: "true" },
          testTimeout: 120_000,
          hookTimeout: 300_000,
          fileParallelism: false,
        },
      },
      {
        test: {
          name: "kind",
          include: ["test/docker/kind*.test.ts"],
          // What other labs of this machine leave behind is told on stderr, and is not theirs.
          env: { SPINELAB_STATE: "/run/spinelab-test-kind" },
          testTimeout: 600_000,
          hookTimeout: 900_000,
          fileParallelism: false,
        },
      },
    ],
  },
});
